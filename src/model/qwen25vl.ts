// Loads a Qwen2.5-VL checkpoint onto a device. Every size comes from config.json; every tensor is checked against it.

import type { WeightFiles } from '../formats/weightFiles';
import { largestBinding } from '../gpu/device';
import type { Gpu } from '../gpu/gpu';
import type { Tensor } from '../gpu/tensor';
import type { FrozenMatrix } from '../ops/matmul';
import { matrixEntry, vectorEntry, type CopyEntry } from './baseCopy';
import { defaultStorage, type StorageOptions } from './baseStorage';
import type { ModelConfig } from './config';
import type { LanguageModel } from './languageModel';
import { createMatrixLoader, type LoaderOptions, type MatrixLoader } from './loadMatrix';
import { buffersOf, checkSize, layMatrix, type MatrixRequest } from './matrixLayout';
import type { VisionTower } from './visionTower';
import { checkLayout } from './weightLayout';
import { withHubNames } from './weightNames';

export interface Qwen25VL {
  config: ModelConfig;
  language: LanguageModel;
  vision: VisionTower;
}

/** How a matrix or a vector of named tensors comes to be. */
interface Primitives<M, V> {
  matrix(request: MatrixRequest): Promise<M>;
  vector(tensors: readonly { name: string; size: number }[]): Promise<V>;
}

type NamedRows = [name: string, rows: number][];

interface Loader<M, V> {
  /** Embedding, head and convolution: never quantized. */
  table(parts: NamedRows, columns: number): Promise<M>;
  linear(parts: NamedRows, columns: number): Promise<M>;
  biasedLinear(parts: NamedRows, columns: number): Promise<{ w: M; bias: V }>;
  vector(...parts: [name: string, size: number][]): Promise<V>;
}

function createLoader<M, V>(make: Primitives<M, V>, onTensor: () => void): Loader<M, V> {
  const matrix = async (parts: NamedRows, columns: number, linear: boolean) => {
    const tensors = parts.map(([name, rows]) => ({ name: `${name}.weight`, rows }));
    const out = await make.matrix({ tensors, columns, linear });
    parts.forEach(onTensor);
    return out;
  };
  const loader: Loader<M, V> = {
    table: (parts, columns) => matrix(parts, columns, false),
    linear: (parts, columns) => matrix(parts, columns, true),
    async vector(...parts) {
      const out = await make.vector(parts.map(([name, size]) => ({ name, size })));
      parts.forEach(onTensor);
      return out;
    },
    async biasedLinear(parts, columns) {
      const w = await loader.linear(parts, columns);
      const bias = await loader.vector(...parts.map(([name, rows]): [string, number] => [`${name}.bias`, rows]));
      return { w, bias };
    },
  };
  return loader;
}

async function loadBlock<M, V>(load: Loader<M, V>, config: ModelConfig, layer: number) {
  const c = config.hiddenSize;
  const q = config.heads * config.headSize;
  const kv = config.kvHeads * config.headSize;
  const i = config.intermediateSize;
  const p = `model.layers.${layer}`;
  const qkv = await load.biasedLinear(
    [
      [`${p}.self_attn.q_proj`, q],
      [`${p}.self_attn.k_proj`, kv],
      [`${p}.self_attn.v_proj`, kv],
    ],
    c,
  );
  return {
    layer,
    inputNorm: await load.vector([`${p}.input_layernorm.weight`, c]),
    qkv: qkv.w,
    qkvBias: qkv.bias,
    o: await load.linear([[`${p}.self_attn.o_proj`, c]], q),
    postNorm: await load.vector([`${p}.post_attention_layernorm.weight`, c]),
    gateUp: await load.linear(
      [
        [`${p}.mlp.gate_proj`, i],
        [`${p}.mlp.up_proj`, i],
      ],
      c,
    ),
    down: await load.linear([[`${p}.mlp.down_proj`, c]], i),
  };
}

async function loadVisionBlock<M, V>(load: Loader<M, V>, config: ModelConfig, index: number) {
  const { hiddenSize: v, intermediateSize: i } = config.vision;
  const p = `visual.blocks.${index}`;
  return {
    norm1: await load.vector([`${p}.norm1.weight`, v]),
    qkv: await load.biasedLinear([[`${p}.attn.qkv`, 3 * v]], v),
    proj: await load.biasedLinear([[`${p}.attn.proj`, v]], v),
    norm2: await load.vector([`${p}.norm2.weight`, v]),
    gateUp: await load.biasedLinear(
      [
        [`${p}.mlp.gate_proj`, i],
        [`${p}.mlp.up_proj`, i],
      ],
      v,
    ),
    down: await load.biasedLinear([[`${p}.mlp.down_proj`, v]], i),
  };
}

async function loadVision<M, V>(load: Loader<M, V>, config: ModelConfig) {
  const vision = config.vision;
  const unit = vision.spatialMergeSize ** 2;
  const patch = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const blocks: Awaited<ReturnType<typeof loadVisionBlock<M, V>>>[] = [];
  for (let i = 0; i < vision.depth; i++) blocks.push(await loadVisionBlock(load, config, i));
  return {
    config: vision,
    weights: {
      patchEmbed: await load.table([['visual.patch_embed.proj', vision.hiddenSize]], patch),
      blocks,
      mergerNorm: await load.vector(['visual.merger.ln_q.weight', vision.hiddenSize]),
      mergerIn: await load.biasedLinear([['visual.merger.mlp.0', unit * vision.hiddenSize]], unit * vision.hiddenSize),
      mergerOut: await load.biasedLinear([['visual.merger.mlp.2', vision.outHiddenSize]], unit * vision.hiddenSize),
    },
  };
}

/** Every tensor of the model in its place: the one list of what a checkpoint has to hold. */
async function assemble<M, V>(load: Loader<M, V>, config: ModelConfig) {
  const embedding = await load.table([['model.embed_tokens', config.vocabSize]], config.hiddenSize);
  const head = config.tieWordEmbeddings
    ? embedding
    : await load.table([['lm_head', config.vocabSize]], config.hiddenSize);
  const blocks: Awaited<ReturnType<typeof loadBlock<M, V>>>[] = [];
  for (let layer = 0; layer < config.layers; layer++) blocks.push(await loadBlock(load, config, layer));
  const finalNorm = await load.vector(['model.norm.weight', config.hiddenSize]);
  return {
    config,
    language: { config, weights: { embedding, head, blocks, finalNorm } },
    vision: await loadVision(load, config),
  };
}

/** Puts a loader between the model and the one that reads its files. */
type Through = (files: MatrixLoader) => MatrixLoader;

/**
 * @param options.onProgress called with the share of tensors loaded, 0 to 1
 * @returns the model, and whether the GPU was found to quantize otherwise than it should, so that the CPU did
 * @throws weights.* and gpu.bufferTooLarge with the tensor's name
 */
export async function loadQwen25VL(
  gpu: Gpu,
  files: WeightFiles,
  config: ModelConfig,
  options: { onProgress?: (share: number) => void; through?: Through } & Partial<LoaderOptions> = {},
): Promise<Qwen25VL & { quantizedOnCpu: boolean }> {
  const weights = withHubNames(files);
  const total = weights.names().length;
  let loaded = 0;
  const { through = (own) => own } = options;
  const loader = through(createMatrixLoader(gpu, weights, { storage: defaultStorage(gpu), ...options }));
  const load = createLoader<FrozenMatrix, Tensor>(loader, () => {
    loaded++;
    options.onProgress?.(Math.min(1, loaded / total));
  });
  try {
    const model = await assemble(load, config);
    return { ...model, quantizedOnCpu: loader.quantizesOnCpu };
  } finally {
    loader.close();
  }
}

/**
 * The vision tower alone, as `loadQwen25VL` loads it. Throws as that.
 * @param options.quantizeOnCpu what loading the model found
 */
export async function loadTower(
  gpu: Gpu,
  files: WeightFiles,
  config: ModelConfig,
  options: { storage: StorageOptions; quantizeOnCpu: boolean; through?: Through },
): Promise<VisionTower> {
  const { through = (own) => own } = options;
  const loader = through(createMatrixLoader(gpu, withHubNames(files), options));
  try {
    return await loadVision(
      createLoader<FrozenMatrix, Tensor>(loader, () => {}),
      config,
    );
  } finally {
    loader.close();
  }
}

/**
 * What `loadQwen25VL` makes on the GPU, in the order in which it does; reads no weights.
 * @param limits of the device @throws weights.* and gpu.bufferTooLarge with the tensor's name
 */
export async function modelLayout(
  files: WeightFiles,
  config: ModelConfig,
  storage: StorageOptions,
  limits: Parameters<typeof largestBinding>[0],
): Promise<CopyEntry[]> {
  const weights = withHubNames(files);
  const limitBytes = largestBinding(limits);
  const entries: CopyEntry[] = [];
  const make: Primitives<void, void> = {
    async matrix(request) {
      const names = request.tensors.map(({ name }) => name);
      entries.push(matrixEntry(names, layMatrix(weights, request, { storage, limitBytes })));
    },
    async vector(tensors) {
      for (const { name, size } of tensors) checkSize(weights, name, size);
      entries.push(vectorEntry(tensors));
    },
  };
  await assemble(
    createLoader(make, () => {}),
    config,
  );
  return entries;
}

/** Frees a tower's weights; it must not be used again. */
export function freeTower(gpu: Gpu, { weights }: VisionTower): void {
  const { patchEmbed, blocks, mergerNorm, mergerIn, mergerOut } = weights;
  const linears = [mergerIn, mergerOut, ...blocks.flatMap(({ qkv, proj, gateUp, down }) => [qkv, proj, gateUp, down])];
  const matrices = [patchEmbed, ...linears.map(({ w }) => w)];
  gpu.free(
    ...matrices.flatMap(({ parts }) => buffersOf(parts)),
    ...linears.map(({ bias }) => bias),
    ...[mergerNorm, ...blocks.flatMap(({ norm1, norm2 }) => [norm1, norm2])],
  );
}

/**
 * Checks by the files' headers that every tensor is there with its size and layout; reads no weights.
 * @throws weights.names, weights.tensorMissing, weights.shape, weights.layout with the tensor's name
 */
export async function checkWeights(files: WeightFiles, config: ModelConfig): Promise<void> {
  const weights = withHubNames(files);
  const make: Primitives<void, void> = {
    async matrix({ tensors, columns }) {
      for (const { name, rows } of tensors) {
        checkSize(weights, name, rows * columns);
        checkLayout(weights, name, rows);
      }
    },
    async vector(tensors) {
      for (const { name, size } of tensors) checkSize(weights, name, size);
    },
  };
  await assemble(
    createLoader(make, () => {}),
    config,
  );
  const { hiddenSize, inChannels, temporalPatchSize, patchSize } = config.vision;
  const inner = [inChannels, temporalPatchSize, patchSize, patchSize];
  checkLayout(weights, 'visual.patch_embed.proj.weight', hiddenSize, inner);
}
