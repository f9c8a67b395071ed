// Earlier runs of this browser, and opening one again.

import { create } from 'zustand';
import type { RunEvent } from '../../protocol/messages';
import { listRuns, readEvents, type RunRecord } from '../../storage/runs';
import { readRecipe } from '../setup/readRecipe';
import { beginRun, replay } from './run';
import { goTo } from './settings';

export interface History {
  runs: RunRecord[];
}

export const useHistory = create<History>(() => ({ runs: [] }));

/** Reads the list of stored runs. */
export async function refreshHistory(): Promise<void> {
  useHistory.setState({ runs: await listRuns() });
}

/** Shows a stored run again: its log is read and reduced as it was when live. */
export async function reopenRun(record: RunRecord): Promise<void> {
  const { recipe } = readRecipe(record.recipe);
  const events = (await readEvents(record.id)) as RunEvent[];
  const { id: runId, seed, datasetId } = record;
  const modelName = record.modelName === 'demo' ? 'demo/model' : record.modelName;
  beginRun({ runId, recipe, seed, datasetId, modelName, live: false });
  replay(events);
  goTo('run');
}
