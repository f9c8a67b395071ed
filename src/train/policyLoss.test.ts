import { describe, expect, it } from 'vitest';
import { uniformArray } from '../base/random';
import { policyLoss, policyStepLoss } from './policyLoss';
import { POLICY_LOSS_DEFAULTS } from './policyLossTypes';
import type { PolicyLossOptions, PolicySequence } from './policyLossTypes';

const ROWS = 4;
const WIDTH = 7;
const accumulation = { gradientAccumulationSteps: 2, stepsPerGeneration: 3, itemsInBatch: 37 };

function numbers(low: number, high: number, stream: number): number[] {
  return Array.from(uniformArray(WIDTH, low, high, [41, stream]));
}

/** Random rows: ratios on both sides of every bound, advantages of both signs, lengths 1 to 7, one row truncated. */
function randomScene(): PolicySequence[] {
  return Array.from({ length: ROWS }, (_, i) => {
    const logp = numbers(-4, -0.1, i);
    const old = numbers(-0.5, 0.5, i + 10).map((gap, t) => logp[t] + gap);
    const ref = numbers(-1, 1, i + 20).map((gap, t) => logp[t] + gap);
    const length = [7, 4, 1, 6][i];
    const mask = logp.map((_, t) => (t < length ? 1 : 0));
    return {
      logp,
      old,
      ref,
      entropy: numbers(0.1, 3, i + 30),
      mask,
      advantage: [1.3, -0.8, -0.4, 0.6][i],
      truncated: i === 3,
    };
  });
}

/** (f(x + h) - f(x - h)) / 2h of the loss by one entry of logp or entropy, the old values held. */
function slope(
  scene: PolicySequence[],
  options: PolicyLossOptions,
  at: { row: number; t: number; of: 'logp' | 'entropy' },
): number {
  const h = 1e-6;
  const lossAt = (shift: number): number => {
    const moved = scene.map((sequence, row) => {
      const values = Array.from(sequence[at.of]);
      if (row === at.row) values[at.t] += shift;
      return { ...sequence, old: sequence.old ?? Array.from(sequence.logp), [at.of]: values };
    });
    return policyLoss(moved, options, accumulation).loss;
  };
  return (lossAt(h) - lossAt(-h)) / (2 * h);
}

const VARIANTS: [string, Partial<PolicyLossOptions>][] = [
  ['beta 0', {}],
  ['corrected KL', { beta: 0.3 }],
  ['plain KL', { beta: 0.3, use_bias_correction_kl: false }],
  ['sequence ratios and corrected KL', { beta: 0.3, importance_sampling_level: 'sequence', epsilon: 0.05 }],
  ['sequence ratios and plain KL', { beta: 0.3, importance_sampling_level: 'sequence', use_bias_correction_kl: false }],
  ['two-sided clipping', { delta: 1.3, epsilon_high: 0.28 }],
  ['truncated rows masked out', { beta: 0.1, mask_truncated_completions: true }],
  ['high-entropy tokens only', { beta: 0.1, top_entropy_quantile: 0.45 }],
  ['entropy bonus', { entropy_coef: 0.05 }],
  ['entropy bonus on high-entropy tokens', { entropy_coef: 0.05, top_entropy_quantile: 0.45 }],
];

describe.each(['grpo', 'bnpo', 'dapo'] as const)('loss type %s', (lossType) => {
  it.each(VARIANTS)('has coefficients equal to finite differences with %s', (_, variant) => {
    const options = { ...POLICY_LOSS_DEFAULTS, loss_type: lossType, ...variant };
    for (const scene of [randomScene(), randomScene().map((sequence) => ({ ...sequence, old: null }))]) {
      const { c, e } = policyLoss(scene, options, accumulation);
      for (let row = 0; row < ROWS; row++) {
        for (let t = 0; t < WIDTH; t++) {
          expect(c[row][t], `c ${row},${t}`).toBeCloseTo(slope(scene, options, { row, t, of: 'logp' }), 8);
          expect(e[row][t], `e ${row},${t}`).toBeCloseTo(slope(scene, options, { row, t, of: 'entropy' }), 8);
        }
      }
    }
  });

  it('gives w(-A + beta(1 - e^(ref-logp))) at ratio 1, and w(-A + beta(logp - ref)) with the corrected KL', () => {
    const [sequence] = randomScene();
    const row = { ...sequence, old: null };
    const weight = 1 / (lossType === 'dapo' ? (37 * 2) / 3 : 7 * 2);
    for (const corrected of [false, true]) {
      const options = { ...POLICY_LOSS_DEFAULTS, loss_type: lossType, beta: 0.3, use_bias_correction_kl: corrected };
      const [c] = policyLoss([row], options, accumulation).c;
      c.forEach((value, t) => {
        const gap = row.ref![t] - row.logp[t];
        const want = weight * (-row.advantage + 0.3 * (corrected ? -gap : 1 - Math.exp(gap)));
        expect(value).toBeCloseTo(want, 12);
      });
    }
  });

  it('ignores whatever stands in masked tokens, NaN included', () => {
    const options = { ...POLICY_LOSS_DEFAULTS, loss_type: lossType, beta: 0.2, entropy_coef: 0.1 };
    const clean = randomScene();
    const dirty = clean.map((sequence) => {
      const spoil = (values: ArrayLike<number>): number[] =>
        Array.from(values, (value, t) => (sequence.mask[t] ? value : NaN));
      const { logp, old, ref, entropy } = sequence;
      return { ...sequence, logp: spoil(logp), old: spoil(old!), ref: spoil(ref!), entropy: spoil(entropy) };
    });
    expect(policyLoss(dirty, options, accumulation)).toEqual(policyLoss(clean, options, accumulation));
  });
});

it('sums dapo over micro-batches to the loss of the undivided batch', () => {
  const options = { ...POLICY_LOSS_DEFAULTS, beta: 0.1 };
  const whole = policyStepLoss(randomScene(), [[0, 1, 2, 3]], options);
  const split = policyStepLoss(
    randomScene(),
    [
      [3, 0],
      [2, 1],
    ],
    options,
  );
  expect(split.loss).toBeCloseTo(whole.loss, 14);
  split.c.forEach((row, i) => row.forEach((value, t) => expect(value).toBeCloseTo(whole.c[i][t], 14)));
});

it('gives loss 0 and no NaN for a micro-batch without live tokens', () => {
  const scene = randomScene().map((sequence) => ({ ...sequence, truncated: true }));
  const options = { ...POLICY_LOSS_DEFAULTS, mask_truncated_completions: true, beta: 0.1, top_entropy_quantile: 0.5 };
  const { loss, c } = policyLoss(scene, options, { ...accumulation, itemsInBatch: 0 });
  expect(loss).toBe(0);
  expect(c.every((row) => row.every((value) => value === 0))).toBe(true);
});

it('refuses beta without reference values and arrays of different lengths', () => {
  const [sequence] = randomScene();
  const options = { ...POLICY_LOSS_DEFAULTS, beta: 0.1 };
  expect(() => policyLoss([{ ...sequence, ref: null }], options, accumulation)).toThrow(/beta needs reference/);
  expect(() => policyLoss([{ ...sequence, entropy: [1] }], options, accumulation)).toThrow(/different lengths/);
});
