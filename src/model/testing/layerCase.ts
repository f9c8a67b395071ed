// A decoder layer and a vision tower of one block on the GPU beside their float64 references. For tests only.

import { TARGET_MODULES } from '../../base/targetModules';
import type { GpuBench } from '../../gpu/testGpu';
import { viewAs, type Tensor } from '../../gpu/tensor';
import { rangePairs } from '../../ops/attention';
import { expectTensor } from '../../ops/testing/expectTensor';
import { sharedPrefixes } from '../../ops/testing/scenes';
import { testValues } from '../../ops/testValues';
import { blockBackward, blockForward } from '../decoderBlock';
import { moduleShape } from '../adapterShape';
import { createAdapter, initialValues, loadValues, unpackValues, type LoraValues } from '../lora';
import type { Qwen25VL } from '../qwen25vl';
import { mropeTable, spelledOut, visionTable } from '../ropeTables';
import { visionLayout } from '../visionLayout';
import { visionFeatures } from '../visionTower';
import { layerReference, type LayerResult, type LayerScene, type WeightOf } from './layerReference';
import { visionReference } from './visionReference';

const RANK = 8;
const ADAPTER = { r: RANK, lora_alpha: 16, target_modules: TARGET_MODULES };
/** A prompt of 16 tokens and two completions of 9 and 15: a prefix that is shared, and tiles that are not full. */
const GROUP: [number, ...number[]] = [16, 9, 15];
const TOKENS = GROUP.reduce((a, b) => a + b);
const SECTION = [16, 24, 24];

/** Three axes that differ, as in a picture. (3, T) */
const POSITIONS = [0, 1, 2].flatMap((axis) => Array.from({ length: TOKENS }, (_, t) => t + ((axis * t) % 5)));

/** End of the queries that see a key: of the group for the prompt's, of its completion for the others. */
function queryEnds(): Uint32Array {
  const [prompt, ...completions] = GROUP;
  const ends = new Array<number>(prompt).fill(TOKENS);
  for (const length of completions) ends.push(...new Array<number>(length).fill(ends.length + length));
  return Uint32Array.from(ends);
}

const ranges = Uint32Array.from(sharedPrefixes(GROUP).flat());

/** Inputs of a layer and the float64 answer; one for all types that hold the same numbers. */
export interface LayerCase {
  scene: LayerScene;
  table: Float32Array<ArrayBuffer>;
  factors: LoraValues[];
  want: LayerResult;
}

function factorsFor(config: LayerScene['config']): LoraValues[] {
  const factors = TARGET_MODULES.map((module) => {
    return { layer: 0, module, ...moduleShape(config, module), aOffset: 0, bOffset: 0 };
  });
  return initialValues({ r: RANK, factors }, 5, false);
}

/** @param weight values by their name within the layer */
export function layerCase(config: LayerScene['config'], weight: WeightOf): LayerCase {
  const { headSize, ropeTheta: theta, hiddenSize } = config;
  const table = mropeTable(POSITIONS, { headSize, theta, section: SECTION });
  const factors = factorsFor(config);
  const scene: LayerScene = {
    config,
    weight,
    factors: Object.fromEntries(factors.map((factor) => [factor.module, factor])),
    rank: RANK,
    scale: ADAPTER.lora_alpha / RANK,
    x: Float32Array.from(testValues(TOKENS * hiddenSize, 2)),
    dy: Float32Array.from(testValues(TOKENS * hiddenSize, 3)),
    tokens: TOKENS,
    ranges,
    cos: spelledOut(table, headSize, 'cos'),
    sin: spelledOut(table, headSize, 'sin'),
  };
  return { scene, table, factors, want: layerReference(scene) };
}

/** Runs the layer forward and backward and compares every result elementwise. */
export async function expectLayer(
  { gpu, input, read }: GpuBench,
  { language }: Qwen25VL,
  given: LayerCase,
  relative: number,
) {
  const { scene, table, factors, want } = given;
  const { rec } = gpu;
  const { config } = scene;
  const shape = [TOKENS, config.hiddenSize];
  const adapter = createAdapter(gpu, config, ADAPTER);
  loadValues(gpu, adapter, factors);
  const stream = {
    tokens: TOKENS,
    pairs: rangePairs(ranges),
    table: input(table),
    tableRow: input(Uint32Array.from({ length: TOKENS }, (_, t) => t)),
    ranges: input(ranges),
    queryEnd: input(queryEnds()),
  };
  const scope = rec.scope();
  const context = { rec, adapter, config, stream };
  const y = scope.tensor(shape);
  const dx = input(scene.dy, shape);
  const block = language.weights.blocks[0]!;
  blockBackward(context, block, dx, blockForward(context, block, input(scene.x, shape), y, scope), true);
  const [gotY, gotDx, flat] = await read(y, dx, adapter.gradient);
  expectTensor('output', gotY, want.y, shape, { relative });
  expectTensor('gradient at the input', gotDx, want.dx, shape, { relative });
  for (const { module, in: width, out, A, B } of unpackValues(adapter, flat)) {
    const { dA, dB } = want.gradients[module]!;
    expectTensor(`${module}.lora_A`, A, dA, [RANK, width], { relative });
    expectTensor(`${module}.lora_B`, B, dB, [out, RANK], { relative });
  }
  scope.release();
  gpu.free(adapter.weight, adapter.gradient, adapter.moment1, adapter.moment2);
}

/** A picture of 8 x 12 patches: a whole window and half of one. */
const GRID = [1, 8, 12] as const;

export interface VisionCase {
  patches: Float32Array<ArrayBuffer>;
  want: ReturnType<typeof visionReference>;
}

/** @param weight values by the hub's name */
export function visionCase({ vision: config }: LayerScene['config'], weight: WeightOf): VisionCase {
  const layout = visionLayout([GRID], config);
  const { patches: rows } = layout;
  const width = config.inChannels * config.temporalPatchSize * config.patchSize ** 2;
  const patches = Float32Array.from(testValues(rows * width, 4));
  const table = visionTable(layout.patchPlace, { headSize: config.headSize, theta: config.ropeTheta });
  const want = visionReference({
    config,
    weight,
    patches: Float32Array.from({ length: rows * width }, (_, i) => {
      return patches[layout.patchOrder[Math.floor(i / width)]! * width + (i % width)]!;
    }),
    rows,
    ranges: layout.windowRanges,
    cos: spelledOut(table, config.headSize, 'cos'),
    sin: spelledOut(table, config.headSize, 'sin'),
  });
  return { patches, want };
}

/** Runs the tower and compares what its probe sees elementwise. */
export async function expectVision({ gpu, read }: GpuBench, { vision }: Qwen25VL, given: VisionCase, relative: number) {
  const { rec } = gpu;
  const scope = rec.scope();
  const held = new Map<string, Tensor>();
  await visionFeatures(gpu, vision, given.patches, [GRID], (name, value) => {
    const copy = scope.tensor(value.shape);
    rec.copy(value, copy);
    held.set(name, viewAs(copy, value.shape));
  });
  for (const [name, want] of Object.entries(given.want)) {
    const tensor = held.get(name)!;
    expectTensor(name, (await read(tensor))[0], want, tensor.shape, { relative });
  }
  scope.release();
}
