// LoRA factors of the language model in one flat buffer: gradients, moments and updates are then one dispatch each.
// y = W x + scale B A dropout(x), as in PEFT. Rows of A and columns of B are padded to a multiple of 4 with
// zeros; their gradients are zero, so they stay zero and are left out of files.

import { check } from '../base/errors';
import { TARGET_MODULES, type TargetModule } from '../base/targetModules';
import { largestBinding } from '../gpu/device';
import type { Gpu } from '../gpu/gpu';
import { elementCount, type Tensor } from '../gpu/tensor';
import { wholeMatrix, type FrozenMatrix } from '../ops/matmul';
import { moduleShape, paddedRank } from './adapterShape';
import type { ModelConfig } from './config';
import { initialFactors, type LoraInit } from './loraInit';

/** Where one module's factors lie in the flat buffers: A (rPadded, in), then B (out, rPadded). */
export interface LoraFactor {
  layer: number;
  module: TargetModule;
  in: number;
  out: number;
  /** First output column within the stacked matrix that the module belongs to. */
  column: number;
  aOffset: number;
  bOffset: number;
}

export interface LoraAdapter {
  r: number;
  rPadded: number;
  alpha: number;
  rslora: boolean;
  /** alpha / r; alpha / sqrt(r) with rslora. */
  scale: number;
  modules: TargetModule[];
  factors: LoraFactor[];
  /** Trainable numbers, padding left out. */
  parameters: number;
  /** f32, flat. */
  weight: Tensor;
  gradient: Tensor;
  moment1: Tensor;
  moment2: Tensor;
}

/** Values of one module as PEFT has them: A (r, in), B (out, r). */
export interface LoraValues {
  layer: number;
  module: TargetModule;
  in: number;
  out: number;
  A: Float32Array;
  B: Float32Array;
}

/** What decides an adapter's buffers, in PEFT's names. */
export interface AdapterOptions {
  r: number;
  lora_alpha: number;
  target_modules: readonly string[];
  use_rslora?: boolean;
}

/**
 * Checks that a model can have such an adapter.
 * @returns the modules in the order of the decoder layer
 * @throws lora.rank when r is not a positive integer within the model's width, lora.targets
 */
export function checkAdapterOptions(config: ModelConfig, options: AdapterOptions): TargetModule[] {
  const { r } = options;
  check(
    Number.isInteger(r) && r > 0 && r <= config.hiddenSize,
    'lora.rank',
    `r is ${r}, expected 1 to ${config.hiddenSize}`,
  );
  const modules = TARGET_MODULES.filter((module) => options.target_modules.includes(module));
  check(
    modules.length > 0,
    'lora.targets',
    `target_modules is [${options.target_modules.join(', ')}]: none can be adapted`,
  );
  return modules;
}

function checkSize(
  { device }: Pick<Gpu, 'device'>,
  { r, target_modules }: AdapterOptions,
  parameters: number,
  size: number,
): void {
  const limit = largestBinding(device.limits);
  check(
    4 * size <= limit,
    'lora.tooLarge',
    `r ${r} with target_modules [${target_modules.join(', ')}] makes ${parameters} parameters, ${4 * size} bytes in one ` +
      `buffer; this GPU binds at most ${limit}`,
    'Lower r, or leave modules out of target_modules.',
  );
}

/** Buffers of a zero adapter. @throws as checkAdapterOptions; lora.tooLarge when the device cannot bind one */
export function createAdapter(gpu: Gpu, config: ModelConfig, options: AdapterOptions): LoraAdapter {
  const { r, lora_alpha: alpha, use_rslora: rslora = false } = options;
  const modules = checkAdapterOptions(config, options);
  const rPadded = paddedRank(r);
  const factors: LoraFactor[] = [];
  let size = 0;
  let parameters = 0;
  for (let layer = 0; layer < config.layers; layer++) {
    for (const module of modules) {
      const shape = moduleShape(config, module);
      factors.push({ layer, module, ...shape, aOffset: size, bOffset: size + rPadded * shape.in });
      size += rPadded * (shape.in + shape.out);
      parameters += r * (shape.in + shape.out);
    }
  }
  checkSize(gpu, options, parameters, size);
  const flat = () => gpu.persistent([size], undefined, 'adapter');
  return {
    r,
    rPadded,
    alpha,
    rslora,
    scale: alpha / (rslora ? Math.sqrt(r) : r),
    modules,
    factors,
    parameters,
    weight: flat(),
    gradient: flat(),
    moment1: flat(),
    moment2: flat(),
  };
}

/**
 * PEFT's start for `init_lora_weights`. Each module draws from its own stream: other targets change none of its numbers.
 * @param init true: A Kaiming-uniform, B zero; `gaussian`: A normal, B zero; false: both Kaiming-uniform
 */
export function initialValues(
  adapter: Pick<LoraAdapter, 'r' | 'factors'>,
  seed: number,
  init: LoraInit = true,
): LoraValues[] {
  return adapter.factors.map(({ layer, module, in: width, out }) => {
    const counters = [layer, TARGET_MODULES.indexOf(module)];
    return { layer, module, in: width, out, ...initialFactors({ r: adapter.r, in: width, out }, init, seed, counters) };
  });
}

/** PEFT's factors to the flat layout. Factors that `values` lacks are zero. */
export function packValues(adapter: LoraAdapter, values: readonly LoraValues[]): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(elementCount(adapter.weight.shape));
  const { r, rPadded } = adapter;
  for (const value of values) {
    const factor = adapter.factors.find((f) => f.layer === value.layer && f.module === value.module);
    check(factor, 'lora.factor', `the adapter has no ${value.module} in layer ${value.layer}`);
    check(
      value.A.length === r * factor.in && value.B.length === r * factor.out,
      'lora.shape',
      `layers.${value.layer}.${value.module}: A has ${value.A.length} and B ${value.B.length} numbers, expected ` +
        `${r} x ${factor.in} and ${factor.out} x ${r}`,
    );
    flat.set(value.A, factor.aOffset);
    for (let o = 0; o < factor.out; o++) {
      flat.set(value.B.subarray(o * r, (o + 1) * r), factor.bOffset + o * rPadded);
    }
  }
  return flat;
}

/** The flat layout (weights, gradients or moments) to PEFT's factors. */
export function unpackValues(adapter: LoraAdapter, flat: Float32Array): LoraValues[] {
  const { r, rPadded } = adapter;
  return adapter.factors.map((factor) => {
    const B = new Float32Array(factor.out * r);
    for (let o = 0; o < factor.out; o++) {
      const from = factor.bOffset + o * rPadded;
      B.set(flat.subarray(from, from + r), o * r);
    }
    return {
      layer: factor.layer,
      module: factor.module,
      in: factor.in,
      out: factor.out,
      A: flat.slice(factor.aOffset, factor.aOffset + r * factor.in),
      B,
    };
  });
}

/** Writes values to the GPU, and zeroes the optimizer's moments. */
export function loadValues(gpu: Gpu, adapter: LoraAdapter, values: readonly LoraValues[]): void {
  gpu.rec.upload(adapter.weight, packValues(adapter, values));
  resetOptimizer(gpu, adapter);
}

/** Zero moments: a new optimizer over the same adapter. */
export function resetOptimizer(gpu: Gpu, adapter: LoraAdapter): void {
  gpu.rec.clear(adapter.moment1);
  gpu.rec.clear(adapter.moment2);
}

/**
 * The adapter as it is now, for forward passes only: the weights are a copy, and there is no gradient nor moment to
 * write to. Give it back with `releaseCopy`.
 */
export function frozenCopy(gpu: Gpu, adapter: LoraAdapter): LoraAdapter {
  const weight = gpu.persistent(adapter.weight.shape, undefined, 'adapter');
  gpu.rec.copy(adapter.weight, weight);
  const none = gpu.persistent([0], undefined, 'adapter');
  return { ...adapter, weight, gradient: none, moment1: none, moment2: none };
}

/** Frees what `frozenCopy` made, once what is recorded has been submitted. */
export function releaseCopy(gpu: Gpu, copy: LoraAdapter): void {
  gpu.free(copy.weight, copy.gradient);
}

/** A as a frozen matrix over the flat buffer: (rPadded, in). */
export function matrixA(adapter: LoraAdapter, factor: LoraFactor): FrozenMatrix {
  const shape = { rows: adapter.rPadded, columns: factor.in, storage: 'f32' } as const;
  return wholeMatrix(shape, adapter.weight, factor.aOffset);
}

/** B as a frozen matrix over the flat buffer: (out, rPadded). */
export function matrixB(adapter: LoraAdapter, factor: LoraFactor): FrozenMatrix {
  const shape = { rows: factor.out, columns: adapter.rPadded, storage: 'f32' } as const;
  return wholeMatrix(shape, adapter.weight, factor.bOffset);
}
