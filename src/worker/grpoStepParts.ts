// How many completions, groups and packs a GRPO step takes, for the plan. One that takes a part of a rollout tears its groups:
// each piece computes the prompt again.

import type { GrpoOptions } from '../recipe/config';
import { grpoStepPlan, rolloutSlices } from '../train/sampler';
import { rolloutShape } from '../train/schedule';

/** Steps that are looked at. */
const STEPS_SEEN = 32;

/** What a step takes: completions, groups that they are of packs. */
interface StepParts {
  completions: number;
  groups: number;
  packs: number;
}

/** What a step takes of one rollout. @param taken indices of completions */
function partsOf(taken: ReadonlySet<number>, options: GrpoOptions): StepParts {
  const { num_generations: size, per_device_train_batch_size: batch } = options;
  const perGroup = new Array<number>(rolloutShape(options).prompts).fill(0);
  for (const index of taken) perGroup[Math.floor(index / size)]!++;
  const groups = perGroup.filter((count) => count > 0);
  let packs = 0;
  let held = Infinity;
  for (const count of groups) {
    if (held + count > batch) {
      packs++;
      held = 0;
    }
    held += count;
  }
  return { completions: taken.size, groups: groups.length, packs };
}

/**
 * The mean over a run's first steps, from the very slices that training takes.
 * @param rows number of prompts; at least one rollout's @param steps optimizer steps of the run, at least one
 */
export function meanStepParts(rows: number, options: GrpoOptions, seed: number, steps: number): StepParts {
  const seen = Math.min(steps, STEPS_SEEN);
  const slices = new Map<number, Uint32Array[]>();
  const slicesOf = (rollout: number): Uint32Array[] => {
    const own = slices.get(rollout) ?? rolloutSlices(options, seed, rollout);
    slices.set(rollout, own);
    return own;
  };
  const parts = Array.from({ length: seen }, (_, step) => {
    const taken = new Map<number, Set<number>>();
    for (const { rollout, slice } of grpoStepPlan(rows, options, step).microSteps) {
      const own = taken.get(rollout) ?? new Set();
      taken.set(rollout, own);
      slicesOf(rollout)[slice]!.forEach((index) => own.add(index));
    }
    return Array.from(taken.values(), (own) => partsOf(own, options));
  }).flat();
  const mean = (key: keyof StepParts): number => parts.reduce((sum, part) => sum + part[key], 0) / seen;
  return { completions: mean('completions'), groups: mean('groups'), packs: mean('packs') };
}
