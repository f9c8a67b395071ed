// The policy loss against finite differences of its plain formulas, and what holds whatever the numbers are.
// TRL's own results are in policyLossTrl.test.ts; the reference's in verify/groups/grpoCpu.test.ts.

import { describe, expect, it } from 'vitest';
import { uniformArray } from '../../base/random';
import { LOSS_TYPES } from '../../recipe/config';
import { policyLoss } from './policyLoss';
import { defaultRecipe } from '../../recipe/defaultRecipe';
import type { Accumulation, PolicyLossOptions, PolicySequence } from './policyLossTypes';
import { plainPolicyLoss, type PlainSequence } from './testing/plainPolicyLoss';

const WIDTH = 7;
const LEVELS = ['token', 'sequence'] as const;
const place = { gradientAccumulationSteps: 2, stepsPerGeneration: 3, itemsInBatch: 37 };

/** Draws of one random case; each call goes on where the last one ended. */
function randomSource(seed: number): (count: number, low: number, high: number) => number[] {
  let stream = 0;
  return (count, low, high) => Array.from(uniformArray(count, low, high, [seed, stream++]));
}

type Draw = ReturnType<typeof randomSource>;

/** A ratio at a bound has no derivative: such draws are made again. */
function isAtKink(logRatios: readonly number[], bounds: readonly number[]): boolean {
  return logRatios.some((gap) => bounds.some((bound) => Math.abs(Math.exp(gap) - bound) < 1e-3));
}

function boundsOf({ epsilon, epsilon_high: high, delta }: PolicyLossOptions): number[] {
  return [1 - epsilon, 1 + (high ?? epsilon), high ?? epsilon, delta ?? 1e9];
}

/** A row of any length from 0, with holes in one mask of four; ratios on both sides of every bound. */
function randomRow(draw: Draw, options: PolicyLossOptions): PolicySequence {
  const [length = NaN, holes = NaN, cut = NaN, scale = NaN] = draw(4, 0, 1);
  const mask = draw(WIDTH, 0, 1).map((u, t) =>
    Number(t < Math.floor(length * (WIDTH + 1)) && (holes > 0.25 || u < 0.6)),
  );
  const logp = draw(WIDTH, -4, -0.1);
  for (;;) {
    const gaps = draw(WIDTH, -1, 1).map((gap) => gap * (scale < 0.5 ? 0.6 : 1.5));
    const live = gaps.filter((_, t) => mask[t] === 1);
    const mean = live.reduce((a, b) => a + b, 0) / Math.max(1, live.length);
    if (isAtKink([...gaps, mean], boundsOf(options))) continue;
    return {
      logp,
      old: logp.map((value, t) => value - gaps[t]!),
      ref: draw(WIDTH, -1, 1).map((gap, t) => logp[t]! + gap),
      entropy: draw(WIDTH, 0.1, 3),
      mask,
      advantage: draw(1, -1.5, 1.5)[0]!,
      truncated: cut < 0.3,
    };
  }
}

function randomPlace(draw: Draw): Accumulation {
  const [steps = NaN, perGeneration = NaN, items = NaN] = draw(3, 0, 1);
  return {
    gradientAccumulationSteps: 1 + Math.floor(steps * 4),
    stepsPerGeneration: 1 + Math.floor(perGeneration * 4),
    itemsInBatch: Math.floor(items * 90),
  };
}

/** Every loss and coefficient of one random micro-batch against the plain formulas and their central differences. */
function checkRandomCase(seed: number, options: PolicyLossOptions, detached: boolean): void {
  const draw = randomSource(seed);
  const accumulation = randomPlace(draw);
  const scene = Array.from({ length: 1 + (seed % 4) }, () => randomRow(draw, options));
  const rows = scene.map((row): PolicySequence => (detached ? { ...row, old: null } : row));
  const held = rows.map((row): PlainSequence => ({ ...row, old: row.old ?? row.logp }));
  const { loss, c, e } = policyLoss(rows, options, accumulation);
  const plainAt = (i: number, t: number, of: 'logp' | 'entropy', shift: number): number => {
    const moved = Array.from(held[i]![of]);
    moved[t]! += shift;
    return plainPolicyLoss(
      held.map((row, k) => (k === i ? { ...row, [of]: moved } : row)),
      held,
      options,
      accumulation,
    );
  };
  const expectClose = (name: string, got: number, want: number, tolerance: number): void =>
    expect(Math.abs(got - want), `seed ${seed}, ${name}: got ${got}, want ${want}`).toBeLessThan(
      tolerance * (1 + Math.abs(want)),
    );
  expectClose('loss', loss, plainPolicyLoss(held, held, options, accumulation), 1e-12);
  // Error of the difference: h^2 times a third derivative, and rounding over h; both near 1e-10 here.
  const h = 1e-5;
  for (const [of, got] of [['logp', c] as const, ['entropy', e] as const]) {
    for (let i = 0; i < rows.length; i++) {
      for (let t = 0; t < WIDTH; t++) {
        const slope = (plainAt(i, t, of, h) - plainAt(i, t, of, -h)) / (2 * h);
        expectClose(`d ${of} ${i},${t}`, got[i]![t]!, slope, 1e-8);
      }
    }
  }
}

const VARIANTS: [string, Partial<PolicyLossOptions>][] = [
  ['beta 0', {}],
  ['corrected KL', { beta: 0.3 }],
  ['plain KL', { beta: 0.3, use_bias_correction_kl: false }],
  ['narrow clipping', { beta: 0.1, epsilon: 0.05 }],
  ['two-sided clipping', { delta: 1.3, epsilon_high: 0.28 }],
  ['a high upper bound', { epsilon_high: 1.6 }],
  ['truncated rows masked out', { beta: 0.1, mask_truncated_completions: true }],
  ['high-entropy tokens only', { beta: 0.1, top_entropy_quantile: 0.45 }],
  ['entropy bonus', { entropy_coef: 0.05 }],
  ['entropy bonus on high-entropy tokens', { entropy_coef: 0.05, top_entropy_quantile: 0.45 }],
  [
    'other constants of its own',
    {
      sapo_temperature_pos: 0.5,
      sapo_temperature_neg: 2,
      vespo_k_pos: 1,
      vespo_lambda_pos: 0.5,
      vespo_k_neg: 2.5,
      vespo_lambda_neg: 1,
      max_completion_length: 11,
    },
  ],
];

describe.each(LOSS_TYPES)('loss type %s', (lossType) => {
  describe.each(LEVELS)('with ratios by %s', (level) => {
    it.each(VARIANTS)('has coefficients equal to finite differences with %s', (_, variant) => {
      const options = {
        ...defaultRecipe.grpo,
        loss_type: lossType,
        importance_sampling_level: level,
        ...variant,
      };
      for (let seed = 0; seed < 8; seed++) checkRandomCase(seed, options, seed % 3 === 2);
    });
  });

  it('ignores whatever stands in masked tokens, NaN included', () => {
    const options = { ...defaultRecipe.grpo, loss_type: lossType, beta: 0.2, entropy_coef: 0.1 };
    const draw = randomSource(5);
    const clean = Array.from({ length: 4 }, () => randomRow(draw, options));
    const dirty = clean.map((sequence) => {
      const spoil = (values: ArrayLike<number>): number[] =>
        Array.from(values, (value, t) => (sequence.mask[t] ? value : NaN));
      const { logp, old, ref, entropy } = sequence;
      return { ...sequence, logp: spoil(logp), old: spoil(old!), ref: spoil(ref!), entropy: spoil(entropy) };
    });
    expect(policyLoss(dirty, options, place)).toEqual(policyLoss(clean, options, place));
  });
});

it('gives w(-A + beta(1 - e^(ref-logp))) at ratio 1 for every loss type, and w(-A + beta(logp - ref)) corrected', () => {
  const options = { ...defaultRecipe.grpo, beta: 0.3, max_completion_length: 9 };
  const row: PolicySequence = {
    logp: [-1, -2, -0.5],
    old: null,
    ref: [-1.5, -1.7, -0.6],
    entropy: [1, 1, 1],
    mask: [1, 1, 1],
    advantage: 0.7,
  };
  // 3 tokens of 37 in the generation batch, 2 accumulated micro-batches of 3 in it.
  const perStep = 1 / ((37 * 2) / 3);
  const perRow = 1 / (3 * 2);
  const weights = { dapo: perStep, cispo: perStep, vespo: perStep, grpo: perRow, bnpo: perRow, sapo: perRow };
  for (const [lossType, weight] of Object.entries({ ...weights, dr_grpo: 1 / (9 * 2), luspo: 1 / 2 })) {
    for (const corrected of [false, true]) {
      const own = {
        ...options,
        loss_type: lossType as PolicyLossOptions['loss_type'],
        use_bias_correction_kl: corrected,
        // cispo's upper bound is the ratio itself.
        epsilon_high: 5,
      };
      policyLoss([row], own, place).c[0]!.forEach((value, t) => {
        const gap = row.ref![t]! - row.logp[t]!;
        const want = weight * (-row.advantage + 0.3 * (corrected ? -gap : 1 - Math.exp(gap)));
        expect(value, `${lossType} ${t}`).toBeCloseTo(want, 12);
      });
    }
  }
});

it('refuses beta without reference values and arrays of different lengths', () => {
  const sequence = randomRow(randomSource(1), defaultRecipe.grpo);
  const options = { ...defaultRecipe.grpo, beta: 0.1 };
  expect(() => policyLoss([{ ...sequence, ref: null }], options, place)).toThrow(/beta needs reference/);
  expect(() => policyLoss([{ ...sequence, entropy: [1] }], options, place)).toThrow(/different lengths/);
});
