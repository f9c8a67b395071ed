// The rate of the vision tower, in a dry run.

import type { ImageRef } from '../data/encode';
import { towerFlops } from '../planner/flops';
import { secondsOf } from './dryRunClock';
import { noteRate, type Dry } from './dryRunWork';
import { rowPictures } from './rowPictures';

function patchesOf(images: readonly ImageRef[]): number {
  return images.reduce((sum, { grid }) => sum + grid[0] * grid[1] * grid[2], 0);
}

/** Notes the rate of pictures that took so long. */
function note({ session, rates }: Dry, images: readonly ImageRef[], seconds: number): void {
  const figures = { count: images.length, patches: patchesOf(images), largestPatches: 0 };
  noteRate(rates.passes, 'encode', towerFlops(session.model.config, figures), seconds);
}

/** Pictures that a batch of training asks for together. */
function askedTogether({ recipe: { sft, grpo } }: Dry): number {
  if (sft.max_steps !== 0) return sft.per_device_train_batch_size;
  return Math.max(1, Math.floor(grpo.per_device_train_batch_size / grpo.num_generations));
}

/** A tower that stays computes what a batch lacks: the first picture warms up, the others are timed by batches. */
async function measureResident(dry: Dry, images: readonly ImageRef[]): Promise<void> {
  const { session, clock } = dry;
  const compute = (some: readonly ImageRef[]) => secondsOf(() => session.trainee.featuresOf(some, () => undefined));
  const first = await compute(images.slice(0, 1));
  const rest = images.slice(1);
  if (rest.length === 0) return note(dry, images, first.total);
  const together = askedTogether(dry);
  let seconds = 0;
  for (let start = 0; start < rest.length; start += together) {
    seconds += (await compute(rest.slice(start, start + together))).total;
  }
  note(dry, rest, seconds);
  clock.firstUse += Math.max(0, first.total - seconds / rest.length);
}

/** Pictures of one batch are told of one right after the other. */
const SAME_BATCH_SECONDS = 0.005;

/**
 * The pictures after those of the first batch, which warms up, and the seconds that they took; all where there is one batch.
 * @param ends when each picture was done @param began when the first was begun
 */
export function afterFirstBatch(ends: readonly number[], began: number): { from: number; seconds: number } {
  const gaps = ends.slice(1).map((end, i) => end - ends[i]!);
  const widest = Math.max(0, ...gaps);
  const last = ends.at(-1) ?? began;
  if (widest < SAME_BATCH_SECONDS) return { from: 0, seconds: last - began };
  const from = 1 + gaps.findIndex((gap) => gap > widest / 10);
  return { from, seconds: last - ends[from - 1]! };
}

/** A tower that leaves: pictures go through it before it does. */
async function measureLeaving(dry: Dry, images: readonly ImageRef[]): Promise<void> {
  const { session, clock } = dry;
  const began = performance.now() / 1000;
  await session.encodePictures(() => Promise.resolve(clock.goOn()));
  const { from, seconds } = afterFirstBatch(clock.pictures, began);
  note(dry, images.slice(from), seconds);
}

/** Operations a second of the tower. */
export async function measurePictures(dry: Dry): Promise<void> {
  const { session, clock, recipe } = dry;
  const images = rowPictures(session.rows, recipe);
  if (images.length === 0) return;
  clock.enter('encode');
  await (session.decisions.towerStays ? measureResident(dry, images) : measureLeaving(dry, images));
}
