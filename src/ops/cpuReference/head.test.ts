import { describe, expect, it } from 'vitest';
import { testValues } from '../testValues';
import { expectClose, expectGradient } from './expectations';
import type { HeadCoefficient, HeadLabel } from './head';
import { headBackward, headStats } from './head';
import cases from './torchCases.json';

/** sum(c logp + e H), whose gradient headBackward gives. */
function objective(
  logits: Float64Array,
  labels: HeadLabel[],
  coefficients: HeadCoefficient[],
  vocab: number,
  temperature: number,
): number {
  const { logp, entropy } = headStats(logits, labels, vocab, temperature);
  return labels.reduce((sum, _, i) => sum + coefficients[i]!.c * logp[i]! + coefficients[i]!.e * entropy[i]!, 0);
}

describe('head', () => {
  it('equals PyTorch: log-probabilities, entropies, log-sum-exps and the gradient, two labels sharing a row', () => {
    const { logits, vocab, rows, targets, temperature, c, e, ...want } = cases.head;
    const labels = rows.map((row, i) => ({ row, target: targets[i]! }));
    const stats = headStats(logits, labels, vocab, temperature);
    expectClose(stats.logp, want.logp);
    expectClose(stats.entropy, want.entropy);
    expectClose(stats.lse, want.lse);
    const coefficients = c.map((value, i) => ({ c: value, e: e[i]! }));
    expectClose(headBackward(logits, labels, coefficients, vocab, temperature), want.d_logits);
  });

  it.each([
    { rows: 1, vocab: 1, labels: 1, temperature: 1 },
    { rows: 3, vocab: 7, labels: 5, temperature: 1 },
    { rows: 2, vocab: 33, labels: 2, temperature: 0.7 },
  ])('has a gradient that agrees with finite differences at $rows x $vocab, $labels labels', (scene) => {
    const { rows, vocab, temperature } = scene;
    const logits = testValues(rows * vocab, 1, -3, 3);
    const labels = Array.from({ length: scene.labels }, (_, i) => ({ row: (i * 2) % rows, target: (i * 5) % vocab }));
    const [c, e] = [testValues(labels.length, 2), testValues(labels.length, 3)];
    const coefficients = labels.map((_, i) => ({ c: c[i]!, e: e[i]! }));
    const gradient = headBackward(logits, labels, coefficients, vocab, temperature);
    expectGradient((p) => objective(p, labels, coefficients, vocab, temperature), logits, gradient);
  });

  it('names the first of equally large logits as the most likely, as torch.argmax does', () => {
    const labels = [0, 1, 2].map((row) => ({ row, target: 0 }));
    const logits = [1, 3, 3, -2, -Infinity, -2, 0, 0, 5];
    expect(Array.from(headStats(logits, labels, 3, 0.5).best)).toEqual([1, 0, 2]);
  });

  it('leaves rows without a label at 0', () => {
    const gradient = headBackward([1, 2, 3, 4], [{ row: 1, target: 0 }], [{ c: 1, e: 0 }], 2, 1);
    expect(Array.from(gradient.slice(0, 2))).toEqual([0, 0]);
    expect(gradient[2]).toBeGreaterThan(0);
  });

  it('stays finite for logits of a thousand and for suppressed tokens', () => {
    const logits = [1000, -1000, -Infinity];
    const labels = [{ row: 0, target: 0 }];
    const { logp, entropy, lse } = headStats(logits, labels, 3, 1);
    expect([logp[0], entropy[0], lse[0]]).toEqual([0, 0, 1000]);
    expect(Array.from(headBackward(logits, labels, [{ c: 1, e: 1 }], 3, 1)).every(Number.isFinite)).toBe(true);
  });
});
