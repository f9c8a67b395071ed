import { describe, expect, it } from 'vitest';
import { dot, testValues } from '../testValues';
import { expectClose, expectGradient } from './expectations';
import type { AttentionShape } from './rangeAttention';
import { rangeAttention, rangeAttentionBackward } from './rangeAttention';
import cases from './torchCases.json';

interface Scene {
  name: string;
  shape: AttentionShape;
  ranges: number[][];
}

/** Ranges of `count` tokens in one causal segment. */
const causal = (count: number): number[][] => Array.from({ length: count }, (_, t) => [0, 0, 0, t + 1]);

const SCENES: Scene[] = [
  { name: 'one token', shape: { queries: 1, keys: 1, heads: 1, kvHeads: 1, headSize: 1 }, ranges: causal(1) },
  { name: 'a causal segment', shape: { queries: 5, keys: 5, heads: 3, kvHeads: 3, headSize: 7 }, ranges: causal(5) },
  {
    name: 'a prompt shared by two completions, grouped heads',
    shape: { queries: 6, keys: 6, heads: 4, kvHeads: 2, headSize: 4 },
    ranges: [...causal(2), [0, 2, 2, 3], [0, 2, 2, 4], [0, 2, 4, 5], [0, 2, 4, 6]],
  },
  {
    name: 'vision windows, one of them ragged',
    shape: { queries: 5, keys: 5, heads: 2, kvHeads: 2, headSize: 3 },
    ranges: [0, 0, 0, 3, 3].map((start) => [0, 0, start, start === 0 ? 3 : 5]),
  },
  {
    name: 'decode, where query rows and key rows differ',
    shape: { queries: 2, keys: 9, heads: 6, kvHeads: 3, headSize: 5 },
    ranges: [
      [0, 4, 4, 6],
      [0, 4, 6, 9],
    ],
  },
];

describe('rangeAttention', () => {
  it('equals PyTorch, forward and backward', () => {
    const { q, k, v, ranges, output, upstream, ...rest } = cases.attention;
    const result = rangeAttention(q, k, v, ranges, rest);
    expectClose(result.o, output);
    const { dq, dk, dv } = rangeAttentionBackward(upstream, q, k, v, result, ranges, rest);
    expectClose(dq, rest.d_q);
    expectClose(dk, rest.d_k);
    expectClose(dv, rest.d_v);
  });

  it.each(SCENES)('has gradients that agree with finite differences for $name', ({ shape, ranges }) => {
    const flat = ranges.flat();
    const q = testValues(shape.queries * shape.heads * shape.headSize, 1, -2, 2);
    const count = shape.keys * shape.kvHeads * shape.headSize;
    const [k, v] = [testValues(count, 2, -2, 2), testValues(count, 3, -2, 2)];
    const dO = testValues(q.length, 4);
    const result = rangeAttention(q, k, v, flat, shape);
    const { dq, dk, dv } = rangeAttentionBackward(dO, q, k, v, result, flat, shape);
    expectGradient((p) => dot(rangeAttention(p, k, v, flat, shape).o, dO), q, dq);
    expectGradient((p) => dot(rangeAttention(q, p, v, flat, shape).o, dO), k, dk);
    expectGradient((p) => dot(rangeAttention(q, k, p, flat, shape).o, dO), v, dv);
  });

  it('gives the same for a shared prompt as for the prompt repeated', () => {
    const shape = { queries: 4, keys: 4, heads: 2, kvHeads: 1, headSize: 3 };
    const q = testValues(24, 1);
    const [k, v] = [testValues(12, 2), testValues(12, 3)];
    const shared = rangeAttention(q, k, v, [0, 0, 0, 1, 0, 0, 0, 2, 0, 2, 2, 3, 0, 2, 3, 4], shape).o;
    // The last completion alone behind its prompt: rows 0, 1 and 3 as one causal segment.
    const rows = (x: Float64Array, width: number): number[] =>
      [0, 1, 3].flatMap((r) => [...x.slice(r * width, (r + 1) * width)]);
    const alone = rangeAttention(rows(q, 6), rows(k, 3), rows(v, 3), causal(3).flat(), {
      ...shape,
      queries: 3,
      keys: 3,
    }).o;
    expectClose(alone.slice(12), shared.slice(18));
  });

  it('survives scores of a thousand and saves the log-sum-exp', () => {
    const shape = { queries: 1, keys: 2, heads: 1, kvHeads: 1, headSize: 1 };
    const { o, lse } = rangeAttention([1], [1000, 0], [3, 5], [0, 0, 0, 2], shape);
    expect([o[0], lse[0]]).toEqual([3, 1000]);
  });

  it('gives 0 and -Infinity to a query that sees no key', () => {
    const shape = { queries: 1, keys: 1, heads: 1, kvHeads: 1, headSize: 1 };
    const { o, lse } = rangeAttention([1], [1], [1], [0, 0, 0, 0], shape);
    expect([o[0], lse[0]]).toEqual([0, -Infinity]);
  });
});
