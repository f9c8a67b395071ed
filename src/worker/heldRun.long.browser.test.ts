// Pauses and stops in the middle of a step: short whole runs of the demo's model, held up between two submissions.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunEvent, RunState } from '../protocol/messages';
import { presets } from '../recipe/presets';
import type { Recipe } from '../recipe/config';
import { listCheckpoints } from '../storage/checkpointStore';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { appendEvents, createRun, deleteRun, findRun, getArtifact } from '../storage/runs';
import { readContinuation } from './continueRun';
import { createRunControl, type RunControl } from './runControl';
import { createRunReporter, type LogPosition } from './runReporter';
import { runTraining, type RunEnvironment, type TrainingRequest } from './runTraining';
import { DEAF_ENCODER, DEMO_MODEL, DEMO_ROWS, demoImages, demoInfo } from './testing/demoRuns';

const INFO = demoInfo('held-test');

const FEW = { save_steps: 0, max_steps: 2 };
const recipe: Recipe = {
  ...presets.demo,
  sft: { ...presets.demo.sft, ...FEW, per_device_train_batch_size: 1, gradient_accumulation_steps: 2 },
  grpo: { ...presets.demo.grpo, ...FEW, per_device_train_batch_size: 4, max_completion_length: 4 },
  eval: { rows: 1, samples_per_row: 1, temperature: 1 },
};

beforeAll(async () => saveDataset(INFO, DEMO_ROWS, await demoImages()));
afterAll(() => deleteDataset(INFO.id));
beforeEach(() => deleteRun('run'));
afterEach(() => deleteRun('run'));

async function follow(
  request: TrainingRequest,
  given: Pick<RunEnvironment, 'control' | 'checkpoint' | 'onOpened'>,
  append: (batch: RunEvent[]) => Promise<void>,
  from?: LogPosition,
): Promise<Uint8Array | null> {
  await runTraining(request, {
    ...given,
    encoder: DEAF_ENCODER,
    createReporter: (estimate) => createRunReporter('run', append, () => undefined, estimate, from),
  });
  return getArtifact('run', 'adapter_model.safetensors');
}

/** A new run; @returns the adapter that it leaves */
async function train(control: Pick<RunControl, 'boundary' | 'gate' | 'stateOf'>): Promise<Uint8Array | null> {
  const request = { runId: 'run', seed: 0, datasetId: INFO.id, recipe, model: DEMO_MODEL, gpuMemoryGb: 8 };
  const record = { datasetId: INFO.id, datasetName: 'rows', modelName: 'demo', recipe, seed: 0, state: 'running' };
  await createRun({ id: 'run', createdAt: 0, ...record });
  return follow(request, { control }, (batch) => appendEvents('run', batch));
}

/** Goes on with the stored run to its end. */
async function goOn(): Promise<Uint8Array | null> {
  const { training, checkpoint, from, append, begin } = await readContinuation({
    ...{ type: 'continue', runId: 'run', model: DEMO_MODEL, gpuMemoryGb: 8 },
  });
  const control = createRunControl(() => undefined);
  return follow(training, { control, checkpoint, onOpened: begin }, append, from);
}

/** A control that does `ask` at the gate before that submission. */
function asking(submission: number, ask: () => void, control: RunControl) {
  let passed = 0;
  return {
    boundary: control.boundary,
    stateOf: control.stateOf,
    gate(save: () => Promise<void>) {
      if (++passed === submission) ask();
      return control.gate(save);
    },
    passed: () => passed,
  };
}

/** The adapter of a run that nobody interrupts, and its submissions that compute. */
async function whole(): Promise<{ adapter: Uint8Array | null; submissions: number }> {
  const control = asking(
    Infinity,
    () => undefined,
    createRunControl(() => undefined),
  );
  const adapter = await train(control);
  await deleteRun('run');
  return { adapter, submissions: control.passed() };
}

test('a run that is stopped in the middle of a step and goes on ends with the bytes of one that never was', async () => {
  const { adapter, submissions } = await whole();
  expect(submissions).toBeGreaterThan(20);
  for (const share of [0.3, 0.55, 0.8]) {
    const control = createRunControl(() => undefined);
    await train(asking(Math.round(share * submissions), () => control.stop(), control));
    expect(await findRun('run')).toMatchObject({ state: 'stopped' });
    expect(await goOn()).toEqual(adapter);
    await deleteRun('run');
  }
});

test('a run that is paused in the middle of a step has a checkpoint, and ends as if nothing had been', async () => {
  const { adapter, submissions } = await whole();
  const states: RunState[] = [];
  let kept = 0;
  const control = createRunControl((state) => {
    states.push(state);
    if (state !== 'paused') return;
    void listCheckpoints('run').then((checkpoints) => {
      kept = checkpoints.length;
      control.resume();
    });
  });
  const before = await train(asking(Math.round(0.55 * submissions), () => control.pause(), control));
  expect(before).toEqual(adapter);
  expect(states).toEqual(['pausing', 'paused', 'running']);
  expect(kept).toBeGreaterThan(0);
});

test('what a pause in the middle of a step has kept goes on to the same bytes', async () => {
  const { adapter, submissions } = await whole();
  const control = createRunControl((state) => {
    // As if the tab had been closed meanwhile: what is done after the pause is not kept.
    if (state === 'paused') control.stop();
  });
  await train(asking(Math.round(0.7 * submissions), () => control.pause(), control));
  expect(await goOn()).toEqual(adapter);
});
