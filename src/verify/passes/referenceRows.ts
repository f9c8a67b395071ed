// Rows, a rollout and short stages on the reference's model, for tests that train it.

import type { PackContext } from '../../data/pack';
import type { Example, Prompt } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import type { AdapterClass } from '../../gpu/device';
import { gridTokenCount } from '../../image/smartResize';
import { resetOptimizer } from '../../model/lora';
import type { GrpoOptions, SftOptions } from '../../recipe/config';
import { defaultRecipe } from '../../recipe/defaultRecipe';
import type { Reporter } from '../../train/control';
import type { Trainee } from '../../train/lossPass';
import type { GrpoRow, Rollout } from '../../train/rolloutTypes';
import { sftLoop } from '../../train/sftLoop';
import { newStage } from '../../train/stageState';
import { imageRefOf, type ReferenceModel } from '../loadModel';
import { openReferenceCase } from './referenceCase';

export interface ReferenceRows {
  pack: PackContext;
  /** Picture number `image` and `length` tokens of text. */
  prompt(image: number, length: number): Prompt;
  /** The same with `target` labelled tokens behind. */
  example(image: number, length: number, target: number): Example;
}

/** Rows of made-up tokens around the reference's pictures. */
export function referenceRows(reference: ReferenceModel): ReferenceRows {
  const { imageTokenId, vision } = reference.config;
  const pack = { imageTokenId, spatialMergeSize: vision.spatialMergeSize };
  const prompt = (image: number, length: number): Prompt => {
    const grid = reference.grids[image]!;
    const cells = gridTokenCount(grid, pack.spatialMergeSize);
    const text = Array.from({ length }, (_, i) => 5 + ((i * 31 + image * 17 + length) % 97));
    const ids = [...new Array<number>(cells).fill(imageTokenId), ...text];
    const { positions, next } = mropePositions(ids, [grid], pack);
    return { ids: Int32Array.from(ids), positions, nextPosition: next, images: [imageRefOf(reference, image)] };
  };
  return {
    pack,
    prompt,
    example(image, length, target) {
      const whole = prompt(image, length + target);
      const promptLength = whole.ids.length - target;
      return { ...whole, promptLength, labelMask: Uint8Array.from(whole.ids, (_, t) => Number(t >= promptLength)) };
    },
  };
}

/** Tells nobody. */
export const QUIET: Reporter = {
  emit: () => undefined,
  progress: () => undefined,
  enter: () => undefined,
  now: () => performance.now(),
  timed: (_, part) => part(),
};

/** Sampling of completions that keep to no end: none of the model's words is left out but pictures. @param reference its model */
export function endlessSampling({ config }: ReferenceModel) {
  return {
    ...{ suppressedIds: [config.imageTokenId], endIds: [] as number[], key: [3, 4] as [number, number] },
    ...{ topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 },
  };
}

/** Two prompts as rows of GRPO. */
export function twoGrpoRows({ prompt }: ReferenceRows): GrpoRow[] {
  return [prompt(0, 5), prompt(1, 4)].map((own) => ({
    ...{ prompt: own, image: '', imageName: '', question: '', thought: '', answer: '' },
  }));
}

/** A rollout of `twoGrpoRows`, all of it one slice. @param lengths tokens of the three completions of either prompt */
export function twoGroups(lengths: readonly [number, number, number]): Rollout {
  const completions = [0, 1].map((group) =>
    lengths.map((length, i) => ({
      ids: Array.from({ length }, (_, t) => 6 + ((t * 13 + i * 29 + group * 7) % 90)),
      terminated: true,
    })),
  );
  return {
    ...{ index: 0, rows: [0, 1], completions, texts: new Array<string>(6).fill('') },
    ...{ rewards: [], advantages: Float64Array.of(1, -0.5, -0.5, 0.7, 0.3, -1), old: null, ref: null },
    slices: [Uint32Array.of(0, 1, 2, 3, 4, 5)],
  };
}

/** What the rollout of `twoGroups` is trained with. */
export const TWO_GROUPS: GrpoOptions = {
  ...defaultRecipe.grpo,
  ...{ per_device_train_batch_size: 6, num_generations: 3, gradient_accumulation_steps: 1 },
};

/**
 * Two steps of SFT from an adapter with a fresh optimizer.
 * @param start f32, flat: the adapter
 * @returns metrics of each step, and the adapter that they leave
 */
export async function twoSftSteps(
  trainee: Trainee,
  { pack }: ReferenceRows,
  start: Float32Array,
  examples: Example[],
  sizes: Pick<SftOptions, 'per_device_train_batch_size' | 'gradient_accumulation_steps'>,
): Promise<{ metrics: Record<string, number>[]; weights: Float32Array }> {
  const { gpu, adapter } = trainee;
  gpu.rec.upload(adapter.weight, new Float32Array(start));
  resetOptimizer(gpu, adapter);
  const metrics: Record<string, number>[] = [];
  const options = { ...defaultRecipe.sft, ...sizes, max_steps: 2, learning_rate: 1e-3, eval_steps: 0, save_steps: 0 };
  const emit: Reporter['emit'] = (event) => void (event.type === 'step' && metrics.push(event.metrics));
  await sftLoop(
    {
      ...{ trainee, examples, pack, options, loraDropout: 0.2, seed: 5 },
      control: { boundary: async () => undefined },
      reporter: { ...QUIET, emit },
      evaluate: async () => null,
      saves: { save: async () => undefined, owes: () => false },
    },
    newStage(),
    () => undefined,
  );
  const [bytes] = await gpu.rec.read(adapter.weight);
  return { metrics, weights: new Float32Array(bytes) };
}

/**
 * The reference's adapted model, its rows, and the adapter as it begins: f32, flat.
 * @param variant kernels @throws as openReferenceCase
 */
export async function openReferenceRows(variant: AdapterClass): Promise<{
  reference: ReferenceModel;
  trainee: Trainee;
  rows: ReferenceRows;
  start: Float32Array;
}> {
  const { reference, trainee } = await openReferenceCase(variant);
  const [bytes] = await trainee.gpu.rec.read(trainee.adapter.weight);
  return { reference, trainee, rows: referenceRows(reference), start: new Float32Array(bytes) };
}
