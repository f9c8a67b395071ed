// A base that comes from its 4-bit copy trains what the one from its files trains: short whole runs of the demo's model.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunEvent } from '../protocol/messages';
import { presets } from '../recipe/presets';
import type { Recipe } from '../recipe/config';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { listCopies } from '../storage/modelCopies';
import { appendEvents, createRun, deleteRun, getArtifact } from '../storage/runs';
import { emptyCopies } from '../storage/testing/copyFiles';
import { readContinuation } from './continueRun';
import { createRunControl } from './runControl';
import { DEMO_MODEL, DEMO_ROWS, demoImages, demoInfo } from './testing/demoRuns';
import { followRun, type Outcome } from './testing/followRun';

const INFO = demoInfo('copied-test');

const recipe: Recipe = {
  ...presets.demo,
  load_in_4bit: true,
  sft: {
    ...presets.demo.sft,
    ...{ max_steps: 2, save_steps: 1, per_device_train_batch_size: 2, gradient_accumulation_steps: 1 },
  },
  grpo: { ...presets.demo.grpo, max_steps: 0, max_completion_length: 4 },
  eval: { rows: 1, samples_per_row: 0, temperature: 1 },
};

beforeAll(async () => saveDataset(INFO, DEMO_ROWS, await demoImages()));
afterAll(() => deleteDataset(INFO.id));
beforeEach(emptyCopies);
afterEach(async () => {
  await emptyCopies();
  await deleteRun('run');
});

const GIVEN = { gpuMemoryGb: 8, model: DEMO_MODEL };
const append = (batch: RunEvent[]): Promise<void> => appendEvents('run', batch);

/** A new run. @param stop after its first step */
async function train(keepCopy: boolean, stop = false): Promise<Outcome> {
  const control = createRunControl(() => undefined);
  const onEvent = ({ type }: RunEvent): void => void (stop && type === 'step' && control.stop());
  const own = { seed: 0, datasetId: INFO.id, recipe };
  await deleteRun('run');
  await createRun({ id: 'run', createdAt: 0, datasetName: 'rows', modelName: 'demo', state: 'running', ...own });
  return followRun({ ...own, ...GIVEN, runId: 'run', keepCopy }, { control, onEvent }, append);
}

async function adapterOf({ summary }: Outcome): Promise<Uint8Array> {
  expect(summary).toMatchObject({ complete: true, stepsSft: 2 });
  return (await getArtifact('run', 'adapter_model.safetensors'))!;
}

test('a run whose base comes from its copy has the same adapter, and one begun on the files goes on with the copy', async () => {
  const plain = await train(false);
  expect(plain.notices).toEqual([]);
  expect(await listCopies()).toEqual([]);
  const want = await adapterOf(plain);

  const writing = await train(true);
  expect(writing.notices).toEqual(['base.copyKept']);
  expect(await adapterOf(writing)).toEqual(want);
  const [copy] = await listCopies();
  expect(copy!.bytes).toBeLessThan(copy!.sourceBytes);

  const reading = await train(true);
  expect(reading.notices).toEqual(['base.copyRead']);
  expect(await adapterOf(reading)).toEqual(want);

  // Its checkpoint has the fingerprint of the source.
  await emptyCopies();
  expect((await train(true, true)).notices).toContain('base.copyKept');
  const request = { type: 'continue', runId: 'run', keepCopy: true, ...GIVEN } as const;
  const { training, checkpoint, from, append: hold, begin } = await readContinuation(request);
  const own = { control: createRunControl(() => undefined), checkpoint, onOpened: begin };
  const resumed = await followRun(training, own, hold, from);
  expect(resumed.notices).toEqual(['base.copyRead']);
  expect(await adapterOf(resumed)).toEqual(want);
});
