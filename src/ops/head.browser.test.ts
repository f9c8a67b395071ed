import { describe, it } from 'vitest';
import { VARIANTS, withGpu, type GpuBench } from '../gpu/testGpu';
import { headBackward as referenceBackward, headStats, type HeadLabel } from './cpuReference/head';
import { linear, linearBackwardInput } from './cpuReference/linear';
import { headBackward, headLogits, headLogProbs, logitsStride, type HeadOptions } from './head';
import type { FrozenMatrix } from './matmul';
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
  { name: 'one label', targets: [[2]], width: 4, vocabulary: 3, options: { temperature: 1 } },
  {
    name: 'several labels to a row, a row without any, an odd vocabulary',
    targets: [[4, 0, 36, 4], [], [7], [1, 2], [36]],
    width: 20,
    vocabulary: 37,
    options: { temperature: 0.7 },
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
    options: { temperature: 1 },
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
  const coefficients = labels.map((_, i) => ({ c: c[i], e: e[i] }));
  const dLogits = referenceBackward(logits, labels, coefficients, vocabulary, options.temperature);
  // The kernel keeps one pair per row, whether the row has labels or not.
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
    stats: targets.flatMap((_, row) => [perRow.lse[row], perRow.entropy[row]]),
    dHidden: linearBackwardInput(dLogits, weight, shape),
  };
}

type SceneData = ReturnType<typeof sceneData>;

function uploadScene({ input, output }: GpuBench, scene: Scene, data: SceneData) {
  const start = [0];
  for (const list of scene.targets) start.push(start[start.length - 1] + list.length);
  const labelStartHost = Uint32Array.from(start);
  const head: FrozenMatrix = {
    rows: scene.vocabulary,
    columns: scene.width,
    storage: 'f32',
    data: input(data.weight),
  };
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
    stats: output([data.rows, 2]),
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

  it('gives plain logits with rows padded to a multiple of 4', async () => {
    const scene = SCENES[1];
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

function check(scene: Scene, data: SceneData, [stats, logp, dHidden]: Float32Array[]): void {
  const { relative } = scene;
  const largest = data.logits.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  // Log-probabilities are differences of logits: the logits' size is the scale of their rounding.
  expectTensor('log Z, H', stats, data.stats, [data.rows, 2], { scale: largest });
  expectTensor('logp', logp, data.logp, [data.labels.length], { scale: largest });
  expectTensor('dHidden', dHidden, data.dHidden, [data.rows, scene.width], { relative });
}
