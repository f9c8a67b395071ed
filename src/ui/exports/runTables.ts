// A run's steps and completions as text files, written piece by piece so that the page's thread stays free. Completions
// of all steps come from the stored log: the view has only the newest.

import { toJsonl } from './jsonl';
import { csvColumns, csvHead, csvLines } from './csv';
import type { GroupRecord } from '../../protocol/messages';
import { readGroups } from '../store/runLog';
import { formatCompliance } from '../store/series';
import type { RunView, StepPoint } from '../store/runView';
import { plural } from '../format';
import { nextTask } from './nextTask';

const ROWS_AT_ONCE = 200;
const STEPS_AT_ONCE = 8;

/** One line per optimizer step: stage, step, and every metric under TRL's name. */
export async function metricsCsv(view: Pick<RunView, 'points' | 'groupSteps'>): Promise<Blob> {
  const rowOf = (point: StepPoint): Record<string, number | string> => {
    const { stage, step, metrics } = point;
    const inForm = formatCompliance(view, point);
    return { stage, step, ...metrics, ...(inForm === null ? {} : { format_compliance: inForm }) };
  };
  const columns = new Set<string>();
  const slices: StepPoint[][] = [];
  for (let from = 0; from < view.points.length; from += ROWS_AT_ONCE) {
    const slice = view.points.slice(from, from + ROWS_AT_ONCE);
    slices.push(slice);
    for (const column of csvColumns(slice.map(rowOf))) columns.add(column);
    await nextTask();
  }
  const head = [...columns];
  const parts = [csvHead(head)];
  for (const slice of slices) {
    parts.push(csvLines(slice.map(rowOf), head));
    await nextTask();
  }
  return new Blob(parts, { type: 'text/csv' });
}

export interface CompletionsFile {
  content: Blob;
  /** Steps whose completions are nowhere any more: the log could not be stored when they were taken. */
  missing: number;
}

/** What to say of a file that lacks this many steps; null when it is whole. */
export function incompleteNote(missing: number): string | null {
  if (missing === 0) return null;
  return `completions.jsonl lacks ${plural(missing, 'step')}: the browser could not store their completions.`;
}

/**
 * One line per sampled completion of GRPO, in the order of steps, groups and samples.
 * @throws LorikeetError storage.failed
 */
export async function completionsJsonl(
  view: Pick<RunView, 'runId' | 'groupSteps' | 'groups'>,
): Promise<CompletionsFile> {
  const parts: string[] = [];
  let missing = 0;
  for (let from = 0; from < view.groupSteps.length; from += STEPS_AT_ONCE) {
    const steps = view.groupSteps.slice(from, from + STEPS_AT_ONCE);
    const found = await Promise.all(
      steps.map(async (known) => view.groups.get(known.step) ?? (await readGroups(view.runId, known))),
    );
    found.forEach((groups, i) => {
      if (groups) parts.push(toJsonl(linesOf(steps[i]!.step, groups)));
      else missing += 1;
    });
    await nextTask();
  }
  return { content: new Blob(parts, { type: 'application/x-ndjson' }), missing };
}

function linesOf(step: number, groups: readonly GroupRecord[]): object[] {
  return groups.flatMap(({ imageName, question, answer, completions }) =>
    completions.map(({ text, length, terminated, rewards, reward, advantage }) => ({
      step,
      image: imageName,
      question,
      answer,
      text,
      length,
      terminated,
      rewards,
      reward,
      advantage,
    })),
  );
}
