// A GPU that runs out of memory in mid-step: the step is computed again in smaller parts and counts as before.

import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { longTest } from '../../base/testing/longTest';
import type { Decisions } from '../../budgets/decisions';
import { VARIANTS } from '../../gpu/testGpu';
import { generate } from '../../infer/generate';
import { policyStep } from '../../train/grpoPolicyStep';
import type { Trainee } from '../../train/lossPass';
import { REFERENCE_DECISIONS, type ReferenceModel } from '../loadModel';
import {
  endlessSampling,
  openReferenceRows,
  QUIET,
  TWO_GROUPS,
  twoGroups,
  twoGrpoRows,
  twoSftSteps,
  type ReferenceRows,
} from './referenceRows';

let reference: ReferenceModel;
let trainee: Trainee;
let rows: ReferenceRows;
let start: Float32Array;

async function read(name: 'weight' | 'gradient'): Promise<Float32Array> {
  const [bytes] = await trainee.gpu.rec.read(trainee.adapter[name]);
  return new Float32Array(bytes);
}

/** Bytes of everything but staging, which is larger than the reference's tensors. */
function bytesNow(): number {
  const { total, bytes } = trainee.gpu.memory();
  return total - bytes.staging;
}

/** Allocations of the device; tensors that would take it beyond `limit` fail as a GPU's do: the buffer is invalid. */
function limitMemory(limit: number): { failed: () => number; lift: () => void } {
  const { device } = trainee.gpu;
  let failed = 0;
  device.createBuffer = (descriptor) => {
    const make = (changed: GPUBufferDescriptor) => GPUDevice.prototype.createBuffer.call(device, changed);
    const isTensor = (descriptor.usage & GPUBufferUsage.STORAGE) !== 0;
    if (!isTensor || bytesNow() + descriptor.size <= limit) return make(descriptor);
    failed++;
    device.pushErrorScope('validation');
    const invalid = make({ ...descriptor, usage: 0 });
    void device.popErrorScope();
    const error = new GPUOutOfMemoryError('not enough memory left');
    device.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }));
    return invalid;
  };
  return { failed: () => failed, lift: () => delete (device as Partial<GPUDevice>).createBuffer };
}

let lift: () => void = () => undefined;
afterEach(() => lift());

interface Outcome<T> {
  result: T;
  decisions: Decisions;
  changes: string[];
  /** Bytes at their most, and before. */
  peak: number;
  before: number;
}

/** Runs work with decisions of its own. */
async function watched<T>(work: (own: Trainee) => Promise<T>, kept = Infinity): Promise<Outcome<T>> {
  const { gpu } = trainee;
  const decisions = structuredClone(REFERENCE_DECISIONS);
  decisions.sft.keptLayers = decisions.grpo.keptLayers = kept;
  const changes: string[] = [];
  gpu.trim();
  await gpu.settled();
  const before = bytesNow();
  gpu.markMemory();
  const result = await work({ ...trainee, decisions, onSmaller: (change) => changes.push(change) });
  const { peak } = gpu.memory();
  return { result, decisions, changes, peak: peak.total - peak.bytes.staging, before };
}

function trainSft(own: Trainee) {
  const { example } = rows;
  const examples = [example(0, 24, 15), example(1, 26, 13), example(0, 23, 17), example(1, 25, 12)];
  return twoSftSteps(own, rows, start, examples, { per_device_train_batch_size: 4, gradient_accumulation_steps: 1 });
}

/** Most of the adapter's numbers are within AdamW's rounding. */
function expectNear(found: Float32Array, want: Float32Array): void {
  const off = want.filter((value, i) => Math.abs(value - found[i]!) > 1e-5).length;
  expect(off).toBeLessThan(want.length / 1000);
}

describe.each(VARIANTS)('with kernels for %s', (variant) => {
  const variantTest = variant === 'gpu' ? longTest : test;

  beforeAll(async () => {
    ({ reference, trainee, rows, start } = await openReferenceRows(variant));
  });

  variantTest(
    'an SFT step that does not fit is computed in halves, said once, and so is the rest of the run',
    async () => {
      const whole = await watched(trainSft);
      expect(whole.changes).toEqual([]);
      const memory = limitMemory(whole.before + 0.75 * (whole.peak - whole.before));
      lift = memory.lift;
      const small = await watched(trainSft);
      expect(memory.failed()).toBeGreaterThan(0);
      expect(small.changes).toEqual([
        `at most ${small.decisions.sft.tokensTogether} tokens go forward and backward together`,
      ]);
      expect(small.result.metrics).toHaveLength(2);
      whole.result.metrics.forEach((want, step) => {
        for (const name of ['loss', 'grad_norm', 'entropy', 'num_tokens'] as const) {
          const found = small.result.metrics[step]![name]!;
          expect(Math.abs(found - want[name]!), name).toBeLessThanOrEqual(1e-5 * Math.abs(want[name]!));
        }
      });
      expectNear(small.result.weights, whole.result.weights);
    },
  );

  variantTest(
    'a run whose smallest piece does not fit keeps fewer activations, and ends when nothing is left to give up',
    async () => {
      const whole = await watched(trainSft);
      trainee.gpu.trim();
      await trainee.gpu.settled();
      const memory = limitMemory(whole.before + 1000);
      lift = memory.lift;
      const changes: string[] = [];
      const decisions = structuredClone(REFERENCE_DECISIONS);
      decisions.sft.keptLayers = 2;
      const own = { ...trainee, decisions, onSmaller: (change: string) => changes.push(change) };
      await expect(trainSft(own)).rejects.toMatchObject({ code: 'gpu.outOfMemory' });
      expect(changes.at(-1)).toContain('chunks of 1 MB');
      expect(decisions.sft.keptLayers).toBe(0);
      memory.lift();
      // The device was never lost: the same device trains on.
      expect(await trainee.gpu.recover()).toBe(true);
      expectNear((await watched(trainSft)).result.weights, whole.result.weights);
    },
  );

  variantTest('a rollout that does not fit decodes in parts and draws the same tokens', async () => {
    const { prompt, pack } = rows;
    const prompts = [prompt(0, 14), prompt(1, 17), prompt(0, 19)].map((own, tag) => ({ ...own, tag }));
    const draw = (own: Trainee) =>
      generate({ ...own, model: own.model.language, spatialMergeSize: pack.spatialMergeSize }, prompts, {
        modes: [{ count: 6, temperature: 1.3 }],
        maxNewTokens: 12,
        ...endlessSampling(reference),
        adapter: own.adapter,
      });
    const whole = await watched(draw);
    const memory = limitMemory(whole.before + 0.7 * (whole.peak - whole.before));
    lift = memory.lift;
    const small = await watched(draw);
    expect(memory.failed()).toBeGreaterThan(0);
    expect(small.changes.length).toBeGreaterThan(0);
    expect(small.decisions.sequencesTogether).toBeLessThan(18);
    expect(small.result).toEqual(whole.result);
  });

  variantTest(
    'a policy step that does not fit is computed in smaller packs with the same loss and gradient',
    async () => {
      const context = { rows: twoGrpoRows(rows), pack: rows.pack, options: TWO_GROUPS, reporter: QUIET };
      const rollout = twoGroups([27, 22, 25]);
      const step = async (own: Trainee) => {
        const place = { step: 1, steps: 1 };
        const { loss } = await policyStep(
          { ...context, trainee: own },
          new Map([[0, rollout]]),
          [{ rollout: 0, slice: 0 }],
          place,
        );
        return { loss, gradient: await read('gradient') };
      };
      const whole = await watched(step);
      const memory = limitMemory(whole.before + 0.8 * (whole.peak - whole.before));
      lift = memory.lift;
      const small = await watched(step);
      expect(memory.failed()).toBeGreaterThan(0);
      expect(small.changes.at(-1)).toBe(
        `at most ${small.decisions.grpo.tokensTogether} tokens go forward and backward together`,
      );
      expect(Math.abs(small.result.loss - whole.result.loss)).toBeLessThan(1e-6);
      const largest = whole.result.gradient.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(largest).toBeGreaterThan(0);
      whole.result.gradient.forEach((want, i) => {
        if (Math.abs(small.result.gradient[i]! - want) > 1e-5 * largest)
          expect(small.result.gradient[i], `${i}`).toBe(want);
      });
    },
  );
});
