// The frame of a stage on a real device: when it evaluates, saves, stops early, and which adapter it leaves.

import { beforeAll, expect, test } from 'vitest';
import type { Gpu } from '../gpu/gpu';
import { requestDevice } from '../gpu/device';
import { createGpu } from '../gpu/gpu';
import type { LoraAdapter } from '../model/lora';
import type { EvalFigures } from './bestModel';
import type { OptimizerOptions } from '../recipe/config';
import { StopRequested } from './control';
import { defaultRecipe } from '../recipe/defaultRecipe';
import { newStage, type StageState } from './stageState';
import { stepLoop } from './stepLoop';

let gpu: Gpu;

beforeAll(async () => {
  gpu = createGpu((await requestDevice()).device, { debug: true });
});

interface Trace {
  log: string[];
  state: StageState;
  /** The adapter's one number: the step that wrote it last. */
  weight: number;
}

/** The GPU, with whatever is read from it in the log. */
function watched(log: string[]): Gpu {
  const { rec } = gpu;
  const noted =
    (name: string, read: Gpu['rec']['read']): Gpu['rec']['read'] =>
    (...tensors) => {
      log.push(name);
      return read(...tensors);
    };
  const reads = { read: noted('read', rec.read), readSubmitted: noted('readSubmitted', rec.readSubmitted) };
  return { ...gpu, rec: { ...rec, ...reads } };
}

/**
 * Runs a stage whose step n writes n into the adapter and whose evaluation after step n gives `losses[n]`.
 * @param stopAt asks to stop at the boundary before this step @param disk whether each save works; then all do @param
 * pauseFails pauses at the boundary before this step, and cannot save @param watch logs reads as well
 */
async function runStage(
  given: Partial<OptimizerOptions>,
  losses: Record<number, number>,
  {
    state = newStage(),
    stopAt = Infinity,
    weight = 0,
    disk = [] as boolean[],
    pauseFails = Infinity,
    watch = false,
  } = {},
): Promise<Trace> {
  const log: string[] = [];
  let owes = false;
  const adapter = { weight: gpu.persistent([1]) } as LoraAdapter;
  gpu.rec.upload(adapter.weight, Float32Array.of(weight));
  const figures = (step: number): EvalFigures => ({
    ...{ eval_loss: losses[step]!, eval_format_compliance: 0, eval_accuracy: 0 },
    ...{ eval_semantic_reward: 0, eval_format_reward: 0, eval_total_reward: 0 },
  });
  const frame = {
    steps: 6,
    options: { ...defaultRecipe.sft, save_steps: 0, ...given },
    gpu: watch ? watched(log) : gpu,
    adapter,
    control: {
      boundary: async () => {
        if (state.step >= stopAt) throw new StopRequested();
        if (state.step === pauseFails) owes = true;
      },
    },
    evaluate: async (step: number) => {
      log.push(`evaluate ${step}`);
      return figures(step);
    },
    saves: {
      save: async (best: boolean) => {
        log.push(`save ${state.step}${best ? ' best' : ''}`);
        owes = !(disk.shift() ?? true);
      },
      owes: () => owes,
    },
    onStep: (done: number) => void log.push(`step ${done}`),
  };
  try {
    await stepLoop(frame, state, async (step) => gpu.rec.upload(adapter.weight, Float32Array.of(step + 1)));
  } catch (error) {
    if (!(error instanceof StopRequested)) throw error;
  }
  const [bytes] = await gpu.rec.read(adapter.weight);
  return { log, state, weight: new Float32Array(bytes)[0]! };
}

test('a stage takes all its steps, and evaluates every eval_steps but for the last, which the next station does', async () => {
  const { log, weight } = await runStage({ eval_steps: 3 }, { 3: 1 });
  expect(log).toEqual(['step 1', 'step 2', 'step 3', 'evaluate 3', 'step 4', 'step 5', 'step 6']);
  expect(weight).toBe(6);
});

test('save_steps saves before the evaluation of the same step, and not after the last step', async () => {
  const { log } = await runStage({ eval_steps: 4, save_steps: 2 }, { 4: 1 });
  const saves = log.filter((line) => !line.startsWith('step'));
  expect(saves).toEqual(['save 2', 'save 4', 'evaluate 4']);
});

test('a checkpoint that could not be written is tried again after every step, until it is kept', async () => {
  const { log, weight } = await runStage({ save_steps: 2 }, {}, { disk: [false, false, true] });
  const saves = log.filter((line) => line.startsWith('save'));
  expect(saves).toEqual(['save 2', 'save 3', 'save 4']);
  expect(weight).toBe(6);
});

test('a checkpoint that a pause could not write is tried again after the next step, whatever save_steps is', async () => {
  const { log } = await runStage({ save_steps: 0 }, {}, { pauseFails: 2, disk: [false, true] });
  expect(log.filter((line) => line.startsWith('save'))).toEqual(['save 3', 'save 4']);
});

test('load_best_model_at_end goes back to the adapter of the best evaluation, the last step’s included', async () => {
  const best = await runStage({ eval_steps: 2, load_best_model_at_end: true }, { 2: 0.5, 4: 0.3, 6: 0.4 });
  expect(best.log.filter((line) => line.startsWith('evaluate'))).toEqual(['evaluate 2', 'evaluate 4', 'evaluate 6']);
  expect(best.log.filter((line) => line.startsWith('save'))).toEqual(['save 2 best', 'save 4 best']);
  expect(best.weight).toBe(4);
  const last = await runStage({ eval_steps: 2, load_best_model_at_end: true }, { 2: 0.5, 4: 0.3, 6: 0.2 });
  expect(last.weight).toBe(6);
});

test('an adapter is read only once it is the best, and nothing holds the run up between evaluation and judgement', async () => {
  const options = { eval_steps: 2, load_best_model_at_end: true };
  const { log, weight } = await runStage(options, { 2: 0.3, 4: 0.5, 6: 0.4 }, { watch: true });
  expect(log.filter((line) => !line.startsWith('step'))).toEqual([
    // `read` would wait at the gate.
    ...['evaluate 2', 'readSubmitted', 'save 2 best'],
    ...['evaluate 4', 'evaluate 6'],
  ]);
  expect(weight).toBe(2);
});

test('early stopping ends the stage after its patience', async () => {
  const { log, state } = await runStage({ eval_steps: 1, early_stopping_patience: 2 }, { 1: 0.5, 2: 0.6, 3: 0.5 });
  expect(log.at(-1)).toBe('evaluate 3');
  expect(state.step).toBe(3);
});

test('a stage that was stopped goes on where it stood, and makes up an evaluation that is due', async () => {
  const options = { eval_steps: 2, load_best_model_at_end: true };
  const losses = { 2: 0.5, 4: 0.3, 6: 0.4 };
  const stopped = await runStage(options, losses, { stopAt: 3 });
  expect(stopped.state.step).toBe(3);
  const resumed = await runStage(options, losses, { state: stopped.state, weight: stopped.weight });
  const whole = await runStage(options, losses);
  expect([...stopped.log, ...resumed.log]).toEqual(whole.log);
  expect(resumed.weight).toBe(whole.weight);

  const due = { ...newStage(), step: 4, evaluationDue: true };
  expect((await runStage({ eval_steps: 4 }, { 4: 1 }, { state: due })).log).toEqual(['evaluate 4', 'step 5', 'step 6']);
});
