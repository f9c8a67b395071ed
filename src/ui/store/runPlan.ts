// The plan of the run that is set up: what it would take, asked of the data worker. The newest question alone is on show.

import { create } from 'zustand';
import { fromErrorRecord, type ErrorRecord } from '../../base/errors';
import type { RecipeChange } from '../../planner/changes';
import type { DataMessage, PlanRequest, RunPlan } from '../../protocol/messages';
import { withOptions } from '../../recipe/optionValues';
import { useDataset } from './dataset';
import { useDevice } from './device';
import { gpuMemory } from './gpuMemory';
import { measuredRates } from './rates';
import { modelSource, pickedAdapter, setRecipe, useSettings } from './settings';
import { startObstacle } from './startObstacle';

interface PlanView {
  /** Stays on show while the next one is being made; null where nothing is set up that could be planned. */
  plan: RunPlan | null;
  error: ErrorRecord | null;
  /** What is on show was said of other settings than those of now. */
  waiting: boolean;
}

export const useRunPlan = create<PlanView>(() => ({ plan: null, error: null, waiting: false }));

interface Waiting {
  resolve(plan: RunPlan): void;
  reject(error: Error): void;
}

const waiting = new Map<number, Waiting>();
let newest = 0;

/** What to plan; null while something keeps a run from starting. */
export function planRequest(): PlanRequest | null {
  const settings = useSettings.getState();
  const { adapter: gpu } = useDevice.getState();
  const { info } = useDataset.getState();
  const model = modelSource(settings);
  if (!gpu || !info || !model || startObstacle() !== null) return null;
  const { recipe, seed } = settings;
  const adapter = pickedAdapter(settings)?.source;
  const { software, maxBufferSize, maxStorageBufferBindingSize } = gpu;
  return {
    ...{ recipe, seed, model, software, datasetId: info.id, gpuMemoryGb: gpuMemory() },
    measured: measuredRates(),
    limits: { maxBufferSize, maxStorageBufferBindingSize },
    ...(adapter ? { adapter } : {}),
  };
}

/** What the plan is made of has changed: neither what is on show counts any more, nor an answer that is on its way. */
export function outdatePlan(): void {
  newest++;
  useRunPlan.setState({ waiting: true });
}

/** Nothing is set up that could be planned: no verdict is left of what was. */
export function clearPlan(): void {
  newest++;
  useRunPlan.setState({ plan: null, error: null, waiting: false });
}

/** Sets a change's options in the recipe of now; does nothing while the plan that it came with is out of date. */
export function takeChange({ set }: RecipeChange): void {
  if (useRunPlan.getState().waiting) return;
  setRecipe(withOptions(useSettings.getState().recipe, set));
}

/** Notes a new question. @returns its id, and the plan when it comes. Errors: those of the worker's planRun */
export function beginPlan(): { id: number; plan: Promise<RunPlan> } {
  const id = ++newest;
  useRunPlan.setState({ waiting: true });
  const plan = new Promise<RunPlan>((resolve, reject) => waiting.set(id, { resolve, reject }));
  return { id, plan };
}

/** Takes the data worker's answer; true when the message was one. */
export function applyPlan(message: DataMessage): boolean {
  if (message.type !== 'planned' && message.type !== 'planFailed') return false;
  const asked = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.type === 'planned') asked?.resolve(message.plan);
  else asked?.reject(fromErrorRecord(message.error));
  if (message.id !== newest) return true;
  if (message.type === 'planned') useRunPlan.setState({ plan: message.plan, error: null, waiting: false });
  else useRunPlan.setState({ plan: null, error: message.error, waiting: false });
  return true;
}

/** The worker is gone: no plan will come. @returns whether one was awaited */
export function failPlan(error: ErrorRecord): boolean {
  const asked = [...waiting.values()];
  waiting.clear();
  for (const { reject } of asked) reject(fromErrorRecord(error));
  if (asked.length > 0) useRunPlan.setState({ plan: null, error, waiting: false });
  return asked.length > 0;
}
