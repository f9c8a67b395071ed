import { describe, expect, it } from 'vitest';
import { VARIANTS, withGpu, type GpuBench } from '../gpu/testGpu';
import { headBackward as referenceBackward, headStats, type HeadLabel } from './cpuReference/head';
import { linear, linearBackwardInput } from './cpuReference/linear';
import { headBackward, headLogits, headLogProbs, logitsStride, STATS_WIDTH, type HeadOptions } from './head';
import { wholeMatrix } from './matmul';
import { expectTensor } from './testing/expectTensor';
import { testValues } from './testValues';

interface Scene {
  name: string;
  /** Targets of each row's labels. */
  targets: number[][];
  width: number;
  vocabulary: number;
  options: HeadOptions;
  /** Largest hidden value: logits grow with it. */
  size?: number;
  /** Allowed error; float32 unless logits are large. */
  relative?: number;
}

const SCENES: Scene[] = [
  { name: 'one label', targets: [[2]], width: 4, vocabulary: 3, options: { temperature: 1, chunkBytes: 2 ** 20 } },
  {
    name: 'several labels to a row, a row without any, an odd vocabulary',
    targets: [[4, 0, 36, 4], [], [7], [1, 2], [36]],
    width: 20,
    vocabulary: 37,
    options: { temperature: 0.7, chunkBytes: 2 ** 20 },
  },
  {
    name: 'chunks of two rows',
    targets: [[3], [1, 5], [0], [], [69, 68, 2], [9], [11]],
    width: 12,
    vocabulary: 70,
    options: { temperature: 1.3, chunkBytes: 2 * 72 * 4 + 100 },
  },
  {
    name: 'chunks smaller than a row',
    targets: [[3], [1]],
    width: 12,
    vocabulary: 130,
    options: { temperature: 1, chunkBytes: 1 },
  },
  {
    // A logit of 80 carries an error of some 1e-5, which is the relative error of its probability.
    name: 'logits around 80',
    targets: [[0, 1, 2], [5], [32]],
    width: 8,
    vocabulary: 33,
    options: { temperature: 1, chunkBytes: 2 ** 20 },
    size: 60,
    relative: 1e-4,
  },
];

function sceneData({ targets, width, vocabulary, options, size = 1 }: Scene) {
  const rows = targets.length;
  const hidden = testValues(rows * width, 1, -size, size);
  const weight = testValues(vocabulary * width, 2);
  const shape = { rows, inWidth: width, outWidth: vocabulary };
  const logits = linear(hidden, weight, null, shape);
  const labels: HeadLabel[] = targets.flatMap((list, row) => list.map((target) => ({ row, target })));
  const [c, e] = [testValues(labels.length, 3), testValues(labels.length, 4)];
  const coefficients = labels.map((_, i) => ({ c: c[i]!, e: e[i]! }));
  const dLogits = referenceBackward(logits, labels, coefficients, vocabulary, options.temperature);
  // The kernel keeps one record per row, whether the row has labels or not.
  const everyRow = targets.map((_, row) => ({ row, target: 0 }));
  const perRow = headStats(logits, everyRow, vocabulary, options.temperature);
  return {
    rows,
    hidden,
    weight,
    logits,
    labels,
    coefficients,
    logp: headStats(logits, labels, vocabulary, options.temperature).logp,
    stats: targets.flatMap((_, row) => [perRow.lse[row]!, perRow.entropy[row]!]),
    best: perRow.best,
    dHidden: linearBackwardInput(dLogits, weight, shape),
  };
}

type SceneData = ReturnType<typeof sceneData>;

function uploadScene({ input, output }: GpuBench, scene: Scene, data: SceneData) {
  const start = [0];
  for (const list of scene.targets) start.push(start[start.length - 1]! + list.length);
  const labelStartHost = Uint32Array.from(start);
  const shape = { rows: scene.vocabulary, columns: scene.width, storage: 'f32' } as const;
  const head = wholeMatrix(shape, input(data.weight));
  return {
    head,
    labels: {
      rows: data.rows,
      count: data.labels.length,
      labels: input(Uint32Array.from(data.labels.flatMap(({ row, target }) => [row, target]))),
      labelStart: input(labelStartHost),
      labelStartHost,
    },
    hidden: input(data.hidden, [data.rows, scene.width]),
    coefficients: input(data.coefficients.flatMap(({ c, e }) => [c, e])),
    stats: output([data.rows, STATS_WIDTH]),
    logp: output([data.labels.length]),
    dHidden: output([data.rows, scene.width]),
  };
}

describe.each(VARIANTS)('head, %s kernels', (variant) => {
  it.each(SCENES)('gives log-probabilities, entropies and the gradient in two passes: $name', async (scene) => {
    const data = sceneData(scene);
    await withGpu(variant, async (bench) => {
      const { head, labels, hidden, coefficients, stats, logp, dHidden } = uploadScene(bench, scene, data);
      headLogProbs(bench.rec, { hidden, stats, logp }, head, labels, scene.options);
      headBackward(bench.rec, { hidden, stats, coefficients, dHidden }, head, labels, scene.options);
      check(scene, data, await bench.read(stats, logp, dHidden));
    });
  });

  it.each(SCENES)('gives the same in one pass: $name', async (scene) => {
    const data = sceneData(scene);
    await withGpu(variant, async (bench) => {
      const { head, labels, hidden, coefficients, stats, logp, dHidden } = uploadScene(bench, scene, data);
      headBackward(bench.rec, { hidden, stats, coefficients, dHidden, logp }, head, labels, scene.options);
      check(scene, data, await bench.read(stats, logp, dHidden));
    });
  });

  // Small integers: sums are exact, so equal logits are equal here and in the reference. Scaled by a power of two.
  it.each([
    { name: 'fewer ids than lanes', vocabulary: 5, scale: 1 },
    { name: 'a vocabulary that crosses tiles and lanes', vocabulary: 203, scale: 1 },
    { name: 'logits of 2^100', vocabulary: 131, scale: 2 ** 100 },
  ])('finds the first of equally large logits: $name', async ({ vocabulary, scale }) => {
    const [rows, width] = [9, 4];
    const integers = (count: number, seed: number) => testValues(count, seed, -1.5, 1.5).map(Math.round);
    // The first row ties everywhere; the last one has its only largest logit at the last id.
    const hidden = integers(rows * width, 7).map((v, i) =>
      i < width ? 0 : i < (rows - 1) * width ? v * scale : scale,
    );
    const weight = integers(vocabulary * width, 8).map((v, i) => (i < (vocabulary - 1) * width ? Math.min(v, 0) : 1));
    const logits = linear(hidden, weight, null, { rows, inWidth: width, outWidth: vocabulary });
    const everyRow = Array.from({ length: rows }, (_, row) => ({ row, target: row % vocabulary }));
    const options = { temperature: 0.7, chunkBytes: 4 * vocabulary * 4 };
    const scene = { name: '', targets: everyRow.map(({ target }) => [target]), width, vocabulary, options };
    const want = headStats(logits, everyRow, vocabulary, options.temperature);
    const data = { ...sceneData(scene), hidden, weight };
    await withGpu(variant, async (bench) => {
      const { head, labels, hidden, stats, logp } = uploadScene(bench, scene, data);
      headLogProbs(bench.rec, { hidden, stats, logp }, head, labels, options);
      const [got] = await bench.read(stats);
      const column = (at: number) => Array.from(got.filter((_, i) => i % STATS_WIDTH === at));
      expect(column(2)).toEqual(Array.from(want.best));
      expectTensor('log Z', column(0), want.lse, [rows]);
      // Beside 2^100 the reference loses the logarithm of the number of ties, which is the entropy.
      if (scale === 1) expectTensor('H', column(1), want.entropy, [rows]);
      else expect(column(1).every(Number.isFinite)).toBe(true);
    });
  });

  it('gives plain logits with rows padded to a multiple of 4', async () => {
    const scene = SCENES[1]!;
    const data = sceneData(scene);
    await withGpu(variant, async (bench) => {
      const { head, hidden } = uploadScene(bench, scene, data);
      const stride = logitsStride(scene.vocabulary);
      const logits = bench.output([data.rows, stride]);
      headLogits(bench.rec, { hidden, logits }, head);
      const [got] = await bench.read(logits);
      const live = got.filter((_, i) => i % stride < scene.vocabulary);
      expectTensor('logits', live, data.logits, [data.rows, scene.vocabulary]);
    });
  });
});

function check(scene: Scene, data: SceneData, got: [Float32Array, Float32Array, Float32Array]): void {
  const [stats, logp, dHidden] = got;
  const { relative } = scene;
  const largest = data.logits.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  // Log-probabilities are differences of logits: the logits' size is the scale of their rounding.
  const ids = stats.filter((_, i) => i % STATS_WIDTH === 2);
  const numbers = stats.filter((_, i) => i % STATS_WIDTH !== 2);
  expectTensor('log Z, H', numbers, data.stats, [data.rows, 2], { scale: largest });
  expect(Array.from(ids)).toEqual(Array.from(data.best));
  expectTensor('logp', logp, data.logp, [data.labels.length], { scale: largest });
  expectTensor('dHidden', dHidden, data.dHidden, [data.rows, scene.width], { relative });
}
