import { describe, expect, it } from 'vitest';
import { VARIANTS, withGpu, type GpuBench } from '../gpu/testGpu';
import { attention, attentionBackward, rangePairs } from './attention';
import { rangeAttention, rangeAttentionBackward, type AttentionShape } from './cpuReference/rangeAttention';
import { place, type Placement } from './testing/columns';
import { expectTensor } from './testing/expectTensor';
import { queryEnds, segments, sharedPrefixes, type AttentionScene } from './testing/scenes';
import { testValues } from './testValues';

const PACKED: AttentionScene[] = [
  { name: 'one token', ranges: segments(1), keys: 1 },
  { name: 'causal segments of odd lengths', ranges: segments(1, 9, 5, 4), keys: 19 },
  { name: 'prompts shared by completions', ranges: sharedPrefixes([5, 3, 1, 6], [2, 4, 4]), keys: 25 },
  { name: 'an empty prompt before completions', ranges: sharedPrefixes([0, 3, 2], [3, 1]), keys: 9 },
];

const FORWARD_ONLY: AttentionScene[] = [
  { name: 'windows without causality', ranges: [0, 0, 0, 3, 3].map((s) => [0, 0, s, s === 0 ? 3 : 5]), keys: 5 },
  {
    name: 'decoding against a cache with gaps',
    ranges: [
      [3, 8, 12, 13],
      [3, 8, 20, 27],
      [0, 0, 9, 10],
    ],
    keys: 30,
  },
  {
    name: 'a row that sees no key',
    ranges: [
      [0, 0, 0, 1],
      [1, 1, 2, 2],
      [0, 1, 1, 3],
    ],
    keys: 3,
  },
];

/** Longer than a tile of rows or keys, with ranges that begin and end within tiles. */
const LONG: AttentionScene[] = [
  { name: 'long segments', ranges: segments(70, 1, 33, 64), keys: 168 },
  { name: 'long prompts shared by completions', ranges: sharedPrefixes([40, 33, 7, 35], [3, 64, 2]), keys: 184 },
];

const LONG_FORWARD_ONLY: AttentionScene[] = [
  {
    name: 'windows of 64',
    ranges: Array.from({ length: 150 }, (_, t) => [0, 0, t & ~63, Math.min(150, (t & ~63) + 64)]),
    keys: 150,
  },
  {
    name: 'decoding against a cache with long gaps',
    ranges: Array.from({ length: 9 }, (_, t) => [5, 75, 100 + 90 * t, 101 + 90 * t + 8 * t]),
    keys: 910,
  },
];

interface Heads {
  heads: number;
  kvHeads: number;
  headSize: number;
}

interface Tolerance {
  /** Largest |q| and |k|. */
  size?: number;
  /** What all keys have in common in four places, where q is 0. */
  bias?: number;
  /** Allowed error of o, lse and gradients. */
  relative?: number;
  /** Size that the errors of gradients go by. */
  scale?: number;
}

interface Inputs {
  q: Float64Array;
  k: Float64Array;
  v: Float64Array;
}

const nameOf = ({ heads, kvHeads, headSize }: Heads): string => `${heads}/${kvHeads} heads of ${headSize}`;
const shapeOf = (scene: AttentionScene, heads: Heads): AttentionShape => ({
  ...heads,
  queries: scene.ranges.length,
  keys: scene.keys,
});

function inputsOf(
  { queries, keys, heads, kvHeads, headSize }: AttentionShape,
  { size = 2, bias = 0 }: Tolerance,
): Inputs {
  const biased = (i: number): boolean => bias > 0 && i % headSize >= headSize - 4;
  return {
    q: testValues(queries * heads * headSize, 1, -size, size).map((x, i) => (biased(i) ? 0 : x)),
    k: testValues(keys * kvHeads * headSize, 2, -size, size).map((x, i) => Math.fround(biased(i) ? x + bias : x)),
    v: testValues(keys * kvHeads * headSize, 3),
  };
}

/** Puts values into a buffer that already holds others. */
function put(buffer: Float32Array, values: ArrayLike<number>, at: Placement): void {
  place(values, at, NaN).forEach((value, i) => {
    if (!Number.isNaN(value)) buffer[i] = value;
  });
}

/** Query, key and value rows side by side, as the model keeps them. */
function packQkv({ q, k, v }: Inputs, { queries, heads, kvHeads, headSize }: AttentionShape) {
  const [qWidth, kvWidth] = [heads * headSize, kvHeads * headSize];
  const stride = qWidth + 2 * kvWidth;
  const data = new Float32Array(queries * stride).fill(NaN);
  put(data, q, { rows: queries, width: qWidth, stride, offset: 0 });
  put(data, k, { rows: queries, width: kvWidth, stride, offset: qWidth });
  put(data, v, { rows: queries, width: kvWidth, stride, offset: qWidth + kvWidth });
  return { data, stride, kOffset: qWidth, vOffset: qWidth + kvWidth };
}

/** Forward with queries and keys in buffers of their own: strides and offsets differ. */
async function checkForward(
  { rec, input, output, read }: GpuBench,
  scene: AttentionScene,
  heads: Heads,
  tolerance: Tolerance = {},
): Promise<void> {
  const { relative } = tolerance;
  const shape = shapeOf(scene, heads);
  const { q, k, v } = inputsOf(shape, tolerance);
  const want = rangeAttention(q, k, v, scene.ranges.flat(), shape);
  const [qWidth, kvWidth] = [heads.heads * heads.headSize, heads.kvHeads * heads.headSize];
  const qAt = { rows: shape.queries, width: qWidth, stride: qWidth + 12, offset: 8 };
  const kAt = { rows: shape.keys, width: kvWidth, stride: 2 * kvWidth + 4, offset: 4 };
  const vAt = { ...kAt, offset: 4 + kvWidth };
  const cache = new Float32Array(vAt.offset + shape.keys * kAt.stride).fill(NaN);
  put(cache, k, kAt);
  put(cache, v, vAt);
  const kv = input(cache);
  const o = output([shape.queries, qWidth]);
  const stats = output([shape.queries, heads.heads, 2]);
  attention(
    rec,
    {
      q: { data: input(place(q, qAt, NaN)), stride: qAt.stride, offset: qAt.offset },
      k: { data: kv, stride: kAt.stride, offset: kAt.offset },
      v: { data: kv, stride: vAt.stride, offset: vAt.offset },
      ranges: input(Uint32Array.from(scene.ranges.flat())),
      o,
      stats,
    },
    { ...heads, rows: shape.queries, pairs: rangePairs(Uint32Array.from(scene.ranges.flat())) },
  );
  const [gotO, gotStats] = await read(o, stats);
  const at = `${nameOf(heads)}, ${scene.name}`;
  expectTensor(`o, ${at}`, gotO, want.o, [shape.queries, heads.heads, heads.headSize], { relative });
  // A row without keys has no log-sum-exp that anything reads; it must only be no number that poisons others.
  const live = Array.from(want.lse.keys()).filter((i) => want.lse[i]! > -Infinity);
  const lse = live.map((i) => gotStats[i * 2]!);
  const wantLse = live.map((i) => want.lse[i]!);
  expectTensor(`lse, ${at}`, lse, wantLse, [live.length]);
  expect(gotStats.some((value, i) => i % 2 === 0 && Number.isNaN(value))).toBe(false);
}

async function checkBackward(
  { rec, input, output, read }: GpuBench,
  scene: AttentionScene,
  heads: Heads,
  tolerance: Tolerance = {},
): Promise<void> {
  const { relative, scale } = tolerance;
  const shape = shapeOf(scene, heads);
  const inputs = inputsOf(shape, tolerance);
  const { q, k, v } = inputs;
  const rows = shape.queries;
  const dO = testValues(q.length, 4);
  const ranges = scene.ranges.flat();
  const forward = rangeAttention(q, k, v, ranges, shape);
  const want = rangeAttentionBackward(dO, q, k, v, forward, ranges, shape);
  const { data, stride, kOffset, vOffset } = packQkv(inputs, shape);
  const width = heads.heads * heads.headSize;
  const qkv = input(data, [rows, stride]);
  const common = { ranges: input(Uint32Array.from(ranges)), o: output([rows, width]) };
  const pairs = rangePairs(Uint32Array.from(ranges));
  const stats = output([rows, heads.heads, 2]);
  const dqkv = output([rows, stride]);
  const columns = (offset: number) => ({ data: qkv, stride, offset });
  attention(
    rec,
    { ...common, q: columns(0), k: columns(kOffset), v: columns(vOffset), stats },
    { ...heads, rows, pairs },
  );
  const queryEnd = input(Uint32Array.from(queryEnds(scene.ranges, scene.keys)));
  attentionBackward(rec, { ...common, qkv, dO: input(dO, [rows, width]), queryEnd, stats, dqkv }, { ...heads, pairs });
  const [gotStats, got] = await read(stats, dqkv);
  const at = `${nameOf(heads)}, ${scene.name}`;
  const wantAll = packQkv({ q: want.dq, k: want.dk, v: want.dv }, shape).data;
  expectParts(at, got, wantAll, { rows, stride, cuts: [0, kOffset, vOffset, stride] }, { relative, scale });
  const delta = Array.from({ length: rows * heads.heads }, (_, i) => gotStats[i * 2 + 1]!);
  const wantDelta = delta.map((_, i) => {
    let sum = 0;
    for (let d = 0; d < heads.headSize; d++) sum += dO[i * heads.headSize + d]! * forward.o[i * heads.headSize + d]!;
    return sum;
  });
  expectTensor(`delta, ${at}`, delta, wantDelta, [rows, heads.heads], { relative });
}

/** Compares dq, dk and dv apart: each has its own scale. */
function expectParts(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  { rows, stride, cuts }: { rows: number; stride: number; cuts: number[] },
  tolerance: Tolerance,
): void {
  ['dq', 'dk', 'dv'].forEach((part, p) => {
    const [from, width] = [cuts[p]!, cuts[p + 1]! - cuts[p]!];
    const of = (all: ArrayLike<number>) =>
      Array.from({ length: rows * width }, (_, i) => all[Math.floor(i / width) * stride + from + (i % width)]!);
    expectTensor(`${part}, ${name}`, of(got), of(want), [rows, width], tolerance);
  });
}

const FORWARD_HEADS: Heads[] = [
  { heads: 1, kvHeads: 1, headSize: 16 },
  { heads: 4, kvHeads: 1, headSize: 16 },
  { heads: 6, kvHeads: 3, headSize: 20 },
  { heads: 5, kvHeads: 5, headSize: 24 },
  { heads: 4, kvHeads: 2, headSize: 32 },
  { heads: 9, kvHeads: 3, headSize: 64 },
  { heads: 2, kvHeads: 2, headSize: 80 },
  { heads: 1, kvHeads: 1, headSize: 100 },
  { heads: 1, kvHeads: 1, headSize: 124 },
  { heads: 4, kvHeads: 2, headSize: 128 },
  { heads: 8, kvHeads: 1, headSize: 128 },
  { heads: 1, kvHeads: 1, headSize: 132 },
];
const BACKWARD_HEADS: Heads[] = [
  { heads: 4, kvHeads: 1, headSize: 16 },
  { heads: 6, kvHeads: 3, headSize: 20 },
  { heads: 5, kvHeads: 5, headSize: 32 },
  { heads: 4, kvHeads: 2, headSize: 64 },
  { heads: 2, kvHeads: 2, headSize: 80 },
  { heads: 4, kvHeads: 2, headSize: 128 },
];

describe.each(VARIANTS)('attention, %s kernels', (variant) => {
  it.each(FORWARD_HEADS.map((heads) => ({ heads, name: nameOf(heads) })))(
    'equals the reference for every packing: $name',
    async ({ heads }) => {
      await withGpu(variant, async (bench) => {
        for (const scene of [...PACKED, ...FORWARD_ONLY]) await checkForward(bench, scene, heads);
        if (variant === 'gpu') {
          for (const scene of [...LONG, ...LONG_FORWARD_ONLY]) await checkForward(bench, scene, heads);
        }
      });
    },
  );

  it.each(BACKWARD_HEADS.map((heads) => ({ heads, name: nameOf(heads) })))(
    'has gradients that equal the reference for every packing: $name',
    async ({ heads }) => {
      await withGpu(variant, async (bench) => {
        for (const scene of variant === 'gpu' ? [...PACKED, ...LONG] : PACKED) await checkBackward(bench, scene, heads);
      });
    },
  );

  // Scores reach some hundreds: their float32 rounding (2^-24 of the score) is an absolute error of the exponent.
  // Gradients nearly vanish there; their errors go by the size of k and q.
  it('stays right for large scores, forward and backward', async () => {
    const heads = { heads: 4, kvHeads: 1, headSize: 16 };
    await withGpu(variant, async (bench) => {
      for (const scene of PACKED) {
        await checkForward(bench, scene, heads, { size: 30, relative: 2e-4 });
        await checkBackward(bench, scene, heads, { size: 30, relative: 2e-4, scale: 30 });
      }
    });
  });

  // The ds of a row sum to zero but for rounding: with keys of 1,000 that rounding alone would be 1e-4 of dq.
  it('keeps what all keys have in common out of dq', async () => {
    await withGpu(variant, async (bench) => {
      for (const scene of PACKED.slice(1)) {
        await checkBackward(bench, scene, { heads: 4, kvHeads: 1, headSize: 16 }, { bias: 1000, relative: 6e-5 });
      }
    });
  });
});

describe('attention', () => {
  it('refuses head counts and sizes that no kernel has', async () => {
    await withGpu('software', async ({ rec, input }) => {
      const t = input(new Float32Array(16), [1, 16]);
      const c = { data: t, stride: 16, offset: 0 };
      const tensors = { q: c, k: c, v: c, ranges: t, o: t, stats: t };
      const call = (heads: Heads) => () => attention(rec, tensors, { ...heads, rows: 1, pairs: 1 });
      expect(call({ heads: 3, kvHeads: 2, headSize: 4 })).toThrow('3 heads cannot share 2 key heads evenly');
      expect(call({ heads: 2, kvHeads: 2, headSize: 6 })).toThrow('head size is 6, expected a multiple of 4');
    });
  });
});
