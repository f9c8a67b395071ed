// The groups of the step on show: the newest are in memory, an older step's are read from storage.

import { useEffect, useState } from 'react';
import { toErrorRecord, type ErrorRecord } from '../../base/errors';
import type { GroupRecord } from '../../protocol/messages';
import { readGroups } from '../store/runLog';
import type { RunView } from '../store/runView';
import { groupStepAt } from '../store/series';

export interface ShownGroups {
  runId: string;
  step: number;
  /** null where storage has none for the step. */
  groups: readonly GroupRecord[] | null;
}

/**
 * The groups of a step. While they are being read, those of the step before stay on show, so that nothing jumps.
 * @returns `shown` null before the first step has been read
 */
export function useStepGroups(view: RunView, step: number): { shown: ShownGroups | null; problem: ErrorRecord | null } {
  const { runId } = view;
  const inMemory = view.groups.get(step);
  const known = groupStepAt(view, step);
  const [read, setRead] = useState<ShownGroups | null>(null);
  const [problem, setProblem] = useState<ErrorRecord | null>(null);
  const isRead = inMemory !== undefined || (read?.runId === runId && read.step === step);
  useEffect(() => {
    setProblem(null);
    if (isRead || !known) return;
    let wanted = true;
    readGroups(runId, known)
      .then((groups) => wanted && setRead({ runId, step, groups }))
      .catch((error: unknown) => wanted && setProblem(toErrorRecord(error)));
    return () => {
      wanted = false;
    };
  }, [runId, step, known, isRead]);
  if (inMemory) return { shown: { runId, step, groups: inMemory }, problem: null };
  return { shown: read?.runId === runId ? read : null, problem };
}
