// Every op under limits that its grid and its FLOPs exceed: folded dispatches and rows in parts give the bits of one
// plain dispatch. What those bits should be, each op's own test says.

import { describe, expect, it } from 'vitest';
import { VARIANTS, withGpu, type GpuBench, type TestLimits, type TestVariant } from '../gpu/testGpu';
import type { Tensor } from '../gpu/tensor';
import { gelu, swiglu, swigluBackward } from './activations';
import { adamw } from './adamw';
import { attention, attentionBackward, rangePairs } from './attention';
import { dropout } from './dropout';
import { headBackward, headLogProbs, STATS_WIDTH } from './head';
import { allColumns, type FrozenMatrix, matmulNN, matmulNT, matmulTNAccumulate, wholeMatrix } from './matmul';
import { rmsNorm, rmsNormBackward } from './rmsNorm';
import { rope } from './rope';
import { embedGather, gatherRows, scatterRows } from './rows';
import { prepareDecodeStep, processedProbabilities, sampleTokens } from './sampling';
import { uploadDecode } from './testing/decodeState';
import { queryEnds, segments } from './testing/scenes';
import { testValues } from './testValues';

/** Four workgroups in a dimension; grids below have 5 to 16 where they grow with the data. */
const MOST = 4;

interface Case {
  name: string;
  /** Rows for the kernels of each variant: their workgroups differ in height. */
  rows: { software: number; gpu: number };
  /** Records the op and returns what it writes. */
  run(bench: GpuBench, rows: number): Tensor[];
}

const random = ({ input }: GpuBench, shape: number[], seed = 1): Tensor =>
  input(
    testValues(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );
const counting = ({ input }: GpuBench, count: number): Tensor =>
  input(Uint32Array.from({ length: count }, (_, i) => count - 1 - i));

function decodeScene(rows: number) {
  const sequences = Array.from({ length: rows }, (_, s) => ({
    tokens: [s % 7, 3],
    place: [s, s + 2, s + 5, 4 * s] as [number, number, number, number],
  }));
  return { vocabulary: 40, maxNew: 4, sequences };
}

function slotsOf({ input }: GpuBench, rows: number): Tensor {
  return input(
    Uint32Array.from({ length: rows * 2 }, (_, i) => i >> 1),
    [rows, 2],
  );
}

function frozen(bench: GpuBench, rows: number, columns: number): FrozenMatrix {
  return wholeMatrix({ rows, columns, storage: 'f32' }, random(bench, [rows, columns], 7));
}

const CASES: Case[] = [
  {
    name: 'rmsNorm and its gradient',
    rows: { software: 37, gpu: 13 },
    run(bench, rows) {
      const { rec, output } = bench;
      const [x, dy] = [random(bench, [rows, 8]), random(bench, [rows, 8], 2)];
      const weight = random(bench, [8], 3);
      const [y, rstd, dx] = [output([rows, 8]), output([rows]), output([rows, 8])];
      rmsNorm(rec, { x, weight, y, rstd }, { eps: 1e-6 });
      rmsNormBackward(rec, { dy, x, weight, rstd, dx }, { mode: 'write' });
      return [y, rstd, dx];
    },
  },
  {
    name: 'swiglu and its gradient',
    rows: { software: 300, gpu: 300 },
    run(bench, rows) {
      const gu = random(bench, [rows, 16]);
      const h = bench.output([rows, 8]);
      swiglu(bench.rec, { gu, h });
      swigluBackward(bench.rec, { dh: random(bench, [rows, 8], 2), gu });
      return [h, gu];
    },
  },
  {
    name: 'gelu',
    rows: { software: 100, gpu: 100 },
    run(bench, rows) {
      const x = random(bench, [rows, 8]);
      gelu(bench.rec, x);
      return [x];
    },
  },
  {
    name: 'adamw',
    rows: { software: 700, gpu: 700 },
    run(bench, rows) {
      const [gradient, weight, moment1] = [1, 2, 3].map((seed) => random(bench, [rows], seed)) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const moment2 = bench.input(testValues(rows, 4, 0, 1));
      const norm = bench.output([1]);
      const options = { step: 2, learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };
      adamw(bench.rec, { gradient, weight, moment1, moment2, norm }, { ...options, maxGradNorm: 1 });
      return [weight, moment1, moment2, norm];
    },
  },
  {
    name: 'matmulNT with bias, addend and accumulation',
    rows: { software: 130, gpu: 600 },
    run(bench, rows) {
      const x = allColumns(random(bench, [rows, 12]));
      const w = frozen(bench, 24, 12);
      const [y, z] = [bench.output([rows, 24]), random(bench, [rows, 24], 5)];
      const bias = random(bench, [24], 4);
      matmulNT(bench.rec, { x, w, y: allColumns(y), bias }, { m: rows, add: random(bench, [rows, 24], 6) });
      matmulNT(bench.rec, { x, w, y: allColumns(z) }, { m: rows, scale: 0.3, add: 'y' });
      return [y, z];
    },
  },
  {
    name: 'matmulNN and matmulTN',
    rows: { software: 130, gpu: 600 },
    run(bench, rows) {
      const x = random(bench, [rows, 24]);
      const y = bench.output([rows, 12]);
      matmulNN(bench.rec, { x: allColumns(x), w: frozen(bench, 24, 12), y: allColumns(y) }, { m: rows });
      const g = random(bench, [80, 12], 8);
      const [p, q] = [allColumns(random(bench, [5, 80])), allColumns(random(bench, [5, 12], 2))];
      matmulTNAccumulate(bench.rec, { p, q, g }, { tokens: 5, i: 80, j: 12, gOffset: 0 });
      return [y, g];
    },
  },
  {
    name: 'matmulNT and matmulNN with few columns',
    rows: { software: 130, gpu: 130 },
    run(bench, rows) {
      const [y, z] = [bench.output([rows, 8]), bench.output([rows, 8])];
      const x = allColumns(random(bench, [rows, 512]));
      matmulNT(bench.rec, { x, w: frozen(bench, 8, 512), y: allColumns(y) }, { m: rows });
      matmulNN(bench.rec, { x, w: frozen(bench, 512, 8), y: allColumns(z) }, { m: rows });
      return [y, z];
    },
  },
  {
    name: 'rope',
    rows: { software: 100, gpu: 100 },
    run(bench, rows) {
      const x = random(bench, [rows, 8]);
      const tensors = { x, table: random(bench, [rows, 4], 2), tableRow: counting(bench, rows) };
      rope(bench.rec, tensors, { heads: 2, headSize: 4, direction: 1 });
      return [x];
    },
  },
  {
    name: 'dropout',
    rows: { software: 100, gpu: 100 },
    run(bench, rows) {
      const place = bench.input(
        Uint32Array.from({ length: rows * 2 }, (_, i) => i),
        [rows, 2],
      );
      const y = bench.output([rows, 16]);
      dropout(bench.rec, { x: random(bench, [rows, 16]), place, y }, { p: 0.4, key: [1, 2] });
      return [y];
    },
  },
  {
    name: 'gather, scatter and embedding',
    rows: { software: 100, gpu: 100 },
    run(bench, rows) {
      const { rec, input, output } = bench;
      const [x, row] = [random(bench, [rows, 8]), counting(bench, rows)];
      const [gathered, scattered, embedded] = [output([rows, 8]), output([rows, 8]), output([rows, 8])];
      gatherRows(rec, { x, row, y: gathered });
      scatterRows(rec, { x: allColumns(x), row, y: allColumns(scattered) }, { rows, width: 8 });
      const imageRow = input(Int32Array.from({ length: rows }, (_, t) => (t % 3 === 0 ? t : -1)));
      embedGather(rec, { ids: row, imageRow, features: x, x: embedded }, frozen(bench, rows, 8));
      return [gathered, scattered, embedded];
    },
  },
  {
    name: 'the head, both passes',
    rows: { software: 37, gpu: 13 },
    run(bench, rows) {
      const { rec, input, output } = bench;
      const head = frozen(bench, 40, 8);
      const hidden = random(bench, [rows, 8]);
      const perRow = 20;
      const count = rows * perRow;
      const start = Uint32Array.from({ length: rows + 1 }, (_, r) => r * perRow);
      const labels = {
        rows,
        count,
        labels: input(
          Uint32Array.from({ length: count * 2 }, (_, i) => (i % 2 ? (i * 7) % 40 : Math.floor(i / 2 / perRow))),
          [count, 2],
        ),
        labelStart: input(start),
        labelStartHost: start,
      };
      const [stats, logp, dHidden] = [output([rows, STATS_WIDTH]), output([count]), output([rows, 8])];
      headLogProbs(rec, { hidden, stats, logp }, head, labels, { temperature: 0.8, chunkBytes: 2 ** 20 });
      const coefficients = random(bench, [count, 2], 9);
      headBackward(rec, { hidden, stats, coefficients, dHidden }, head, labels, {
        temperature: 0.8,
        chunkBytes: 2 ** 20,
      });
      return [stats, logp, dHidden];
    },
  },
  {
    name: 'sampling',
    rows: { software: 41, gpu: 13 },
    run(bench, rows) {
      const { rec } = bench;
      const [slots, tensors] = [slotsOf(bench, rows), uploadDecode(bench, decodeScene(rows))];
      const plain = { temperature: 0.9, topK: 5, topP: 0.9, minP: 0, repetitionPenalty: 1 };
      const options = { ...plain, slots: rows, vocabulary: 40, maxNew: 4 };
      const logits = random(bench, [rows, 40]);
      sampleTokens(rec, { ...tensors, slots, logits }, { ...options, key: [5, 6] });
      processedProbabilities(rec, { ...tensors, slots, logits }, options);
      return [tensors.state, logits];
    },
  },
  {
    name: 'the next decode step',
    rows: { software: 500, gpu: 500 },
    run(bench, rows) {
      const [slots, tensors] = [slotsOf(bench, rows), uploadDecode(bench, decodeScene(rows))];
      const [ids, tableRow, kvRow] = [bench.output([rows]), bench.output([rows]), bench.output([rows])];
      const ranges = bench.output([rows, 4]);
      prepareDecodeStep(bench.rec, { ...tensors, slots, ids, tableRow, kvRow, ranges }, { slots: rows, maxNew: 4 });
      return [ids, tableRow, kvRow, ranges];
    },
  },
];

/** Attention's rows lie in the first dimension, which a million of them would fill: it is cut, not folded. */
const ATTENTION: Case = {
  name: 'attention and its gradients',
  rows: { software: 60, gpu: 100 },
  run(bench, rows) {
    const { rec, input, output } = bench;
    const shape = { heads: 4, kvHeads: 2, headSize: 8 };
    const scene = segments(rows - 25, 25);
    const qkv = random(bench, [rows, 64]);
    const columns = (offset: number) => ({ data: qkv, stride: 64, offset });
    const ranges = input(Uint32Array.from(scene.flat()), [rows, 4]);
    const pairs = rangePairs(Uint32Array.from(scene.flat()));
    const queryEnd = input(Uint32Array.from(queryEnds(scene, rows)));
    const [o, stats, dqkv] = [output([rows, 32]), output([rows, 4, 2]), output([rows, 64])];
    attention(rec, { q: columns(0), k: columns(32), v: columns(48), ranges, o, stats }, { ...shape, rows, pairs });
    attentionBackward(
      rec,
      { qkv, o, dO: random(bench, [rows, 32], 3), ranges, queryEnd, stats, dqkv },
      { ...shape, pairs },
    );
    return [o, dqkv];
  },
};

async function bitsOf({ run, rows }: Case, variant: TestVariant, limits: TestLimits) {
  const out: number[][] = [];
  let submissions = 0;
  await withGpu(
    variant,
    async (bench) => {
      const before = bench.rec.counts();
      const tensors = run(bench, rows[variant === 'gpu' ? 'gpu' : 'software']);
      for (const bits of await bench.readU32(...tensors)) out.push(Array.from(bits));
      submissions = bench.rec.counts().submissions - before.submissions;
    },
    limits,
  );
  return { out, submissions };
}

describe.each(VARIANTS)('with %s kernels', (variant) => {
  it.each(CASES)('$name: a folded grid gives the same bits', async (entry) => {
    const plain = await bitsOf(entry, variant, {});
    expect((await bitsOf(entry, variant, { maxGroups: MOST })).out).toEqual(plain.out);
  });

  it.each([...CASES, ATTENTION])('$name: a submission for every dispatch gives the same bits', async (entry) => {
    const plain = await bitsOf(entry, variant, {});
    const cut = await bitsOf(entry, variant, { flopBudget: 1 });
    expect(cut.out).toEqual(plain.out);
  });

  it('rows beyond the budget are cut into as many parts as workgroups are high', async () => {
    expect(await bitsOf(ATTENTION, variant, {})).toMatchObject({ submissions: 1 });
    const { submissions } = await bitsOf(ATTENTION, variant, { flopBudget: 1 });
    // Forward and twice back. Software: 60 rows, 16 to a workgroup (32 keys in the keys' gradient). GPU: 100 rows, 32 to
    // a tile of 2 heads, 32 keys to a tile.
    expect(submissions).toBe(variant === 'gpu' ? 4 + 4 + 4 : 4 + 4 + 2);
  });

  it('a factor’s gradient beyond the budget is cut into parts of 16 rows', async () => {
    const entry: Case = {
      name: 'matmulTN',
      rows: { software: 5, gpu: 5 },
      run(bench, tokens) {
        const g = random(bench, [72, 12], 8);
        const [p, q] = [allColumns(random(bench, [tokens, 72])), allColumns(random(bench, [tokens, 12], 2))];
        matmulTNAccumulate(bench.rec, { p, q, g }, { tokens, i: 72, j: 12, gOffset: 0 });
        return [g];
      },
    };
    const plain = await bitsOf(entry, variant, {});
    const cut = await bitsOf(entry, variant, { flopBudget: 1 });
    expect([plain.submissions, cut.submissions]).toEqual([1, 5]);
    expect(cut.out).toEqual(plain.out);
  });
});

it('a grid too long for three dimensions is refused by the name of its kernel', async () => {
  await withGpu(
    'software',
    async (bench) => {
      expect(() => gelu(bench.rec, random(bench, [200, 8]))).toThrow('gelu.wgsl: 25 workgroups');
    },
    { maxGroups: MOST },
  );
});
