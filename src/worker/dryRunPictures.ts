// The rate of the vision tower, in a dry run.

import type { ImageRef } from '../data/encode';
import { towerFlops } from '../planner/flops';
import { secondsOf } from './dryRunClock';
import type { Dry } from './dryRunWork';
import { rowPictures } from './rowPictures';

function patchesOf(images: readonly ImageRef[]): number {
  return images.reduce((sum, { grid }) => sum + grid[0] * grid[1] * grid[2], 0);
}

/** Notes the rate of pictures that took so long. */
function note({ session, rates }: Dry, images: readonly ImageRef[], seconds: number): void {
  const figures = { count: images.length, patches: patchesOf(images), largestPatches: 0 };
  rates.passes.encode = towerFlops(session.model.config, figures) / seconds;
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

/** A tower that leaves: pictures go through it before it does. The first batch warms up, the others are timed. */
async function measureLeaving(dry: Dry, images: readonly ImageRef[]): Promise<void> {
  const { session, clock } = dry;
  const began = performance.now() / 1000;
  await session.encodePictures(() => Promise.resolve(clock.goOn()));
  // Pictures of one batch are told of one right after the other.
  const ends = clock.pictures;
  const gaps = ends.slice(1).map((end, i) => end - ends[i]!);
  const widest = Math.max(0, ...gaps);
  const second = 1 + gaps.findIndex((gap) => gap > widest / 10);
  const last = ends.at(-1) ?? began;
  if (gaps.length > 0 && widest > 0.005) note(dry, images.slice(second), last - ends[second - 1]!);
  else note(dry, images, last - began);
}

/** Operations a second of the tower. */
export async function measurePictures(dry: Dry): Promise<void> {
  const { session, clock, recipe } = dry;
  const images = rowPictures(session.rows, recipe);
  if (images.length === 0) return;
  clock.enter('encode');
  await (session.decisions.towerStays ? measureResident(dry, images) : measureLeaving(dry, images));
}
