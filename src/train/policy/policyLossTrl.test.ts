// The policy loss against TRL's own code: every loss type, level and option, gradients and metrics, corners included.
// tools/reference/policy_losses.py made the numbers.

import { describe, expect, it } from 'vitest';
import { policyLoss } from './policyLoss';
import { defaultRecipe } from '../../recipe/defaultRecipe';
import type { PolicyLossOptions, PolicySequence } from './policyLossTypes';
import { LOSS_TYPES } from '../../recipe/config';
import file from './testing/trlPolicyLosses.json';

interface Scene {
  logp: number[];
  old: number[];
  ref: number[];
  entropy: number[];
  mask: number[];
  advantages: number[];
  truncated: boolean[];
}

interface Case {
  name: string;
  scene: string;
  options: Partial<PolicyLossOptions>;
  on_policy: boolean;
  items_in_batch: number;
  loss: number;
  c: number[];
  e: number[];
  metrics: Record<string, number | null>;
}

const { width } = file;
const cases = file.cases as unknown as Case[];
const scenes = file.scenes as Record<string, Scene>;

/** Rows of the scene: padded to one width as TRL has them, or each as long as its tokens. */
function sequencesOf(record: Case, padded: boolean): PolicySequence[] {
  const scene = scenes[record.scene]!;
  return scene.advantages.map((advantage, i) => {
    const mask = scene.mask.slice(i * width, (i + 1) * width);
    const length = padded ? width : mask.reduce((sum, value) => sum + value, 0);
    const row = (values: number[]): number[] => values.slice(i * width, i * width + length);
    return {
      logp: row(scene.logp),
      old: record.on_policy ? null : row(scene.old),
      ref: row(scene.ref),
      entropy: row(scene.entropy),
      mask: row(scene.mask),
      advantage,
      truncated: scene.truncated[i],
    };
  });
}

/** Both sides compute in float64; only the order of sums differs. */
function expectClose(name: string, got: number, want: number): void {
  expect(Math.abs(got - want), `${name}: got ${got}, want ${want}`).toBeLessThan(1e-11 * (1 + Math.abs(want)));
}

function compute(record: Case, padded: boolean): ReturnType<typeof policyLoss> {
  const { gradient_accumulation_steps: gradientAccumulationSteps, steps_per_generation: stepsPerGeneration } =
    file.accumulation;
  const options = { ...defaultRecipe.grpo, ...record.options };
  const place = { gradientAccumulationSteps, stepsPerGeneration, itemsInBatch: record.items_in_batch };
  return policyLoss(sequencesOf(record, padded), options, place);
}

describe.each(LOSS_TYPES)("loss type %s equals TRL's code", (lossType) => {
  const own = cases.filter(({ options }) => options.loss_type === lossType);

  it('has every option at both levels', () => {
    const levels = own.map(({ options }) => options.importance_sampling_level);
    expect(levels.filter((level) => level === 'token')).toHaveLength(10);
    expect(levels.filter((level) => level === 'sequence')).toHaveLength(10);
  });

  describe.each(own)('$name', (record) => {
    it.each([true, false])('in loss, gradients and metrics, rows padded: %s', (padded) => {
      const { loss, c, e, metrics } = compute(record, padded);
      expectClose('loss', loss, record.loss);
      c.forEach((row, i) =>
        row.forEach((value, t) => {
          expectClose(`c ${i},${t}`, value, record.c[i * width + t]!);
          expectClose(`e ${i},${t}`, e[i]![t]!, record.e[i * width + t] ?? 0);
        }),
      );
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(record.metrics).sort());
      for (const [name, want] of Object.entries(record.metrics)) {
        if (want === null) expect(metrics[name], name).toBeNaN();
        else expectClose(name, metrics[name]!, want);
      }
    });
  });
});

it('gives finite numbers and loss 0 for a batch in which every completion is truncated and masked out', () => {
  const truncated = cases.filter(({ scene }) => scene === 'all_truncated');
  expect(truncated).toHaveLength(2 * LOSS_TYPES.length);
  for (const record of truncated) {
    const { loss, c, e } = compute(record, true);
    expect(record.loss, record.name).toBe(0);
    expect(loss, record.name).toBe(0);
    for (const value of [...c, ...e].flatMap((row) => [...row])) expect(value === 0, record.name).toBe(true);
  }
});
