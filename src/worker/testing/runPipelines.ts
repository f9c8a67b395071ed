// Every pipeline that runs of the 3B compile on a GPU, with its final source: the real host code on a device that counts.
// For tests and tools only.

import { createGpu } from '../../gpu/gpu';
import { createCountingDevice, defineGpuConstants } from '../../gpu/testing/countingDevice';
import type { SpecValue } from '../../gpu/shaderAssembly';
import { config3b } from '../../model/testing/config3b';
import { zeroWeights } from '../../model/testing/zeroWeights';
import { measureMatmul } from '../../ops/measureMatmul';
import { shaderSources } from '../../ops/shaderSources';
import type { Recipe } from '../../recipe/config';
import { presets } from '../../recipe/presets';
import { finishedDecoding } from './finishedDecoding';
import { shortened, syntheticRun } from './syntheticRun';

/** A kernel as it is compiled. */
export interface RunPipeline {
  /** Its path below shaders/. */
  file: string;
  /** Values of its marked constants, as far as the op gave them. */
  spec: Record<string, SpecValue>;
  /** The libraries that its file imports, by the name there: the same, or what the op gave in its place. */
  imports: Record<string, string>;
  /** WGSL, assembled; entry point `main`. */
  code: string;
}

const NEW_TOKENS = 8;
/** Kernels go by widths; layers repeat them. Two blocks of the tower are one of each kind, windowed and whole. */
const CONFIG = config3b(2, 2);

/** Settings that keep a base of bf16 in each type. */
const STORAGES = [
  { load_in_4bit: true },
  { load_in_4bit: false },
  { load_in_4bit: false, dtype: 'float32' },
] satisfies Partial<Recipe>[];

/**
 * Recipes that between them use every kind of linear, biases, dropout and KL, each with its validation rows: from one
 * sequence at a time to many.
 */
function runs(): { recipe: Recipe; validationRows: number }[] {
  const of3b = [
    { preset: presets.balanced, validationRows: 8 },
    { preset: presets['memory-tight'], validationRows: 1 },
    { preset: presets.mmherc, validationRows: 3 },
  ];
  return STORAGES.flatMap((storage) =>
    of3b.map(({ preset, validationRows }) => ({ recipe: { ...preset, ...storage }, validationRows })),
  );
}

/** @param onModule is given what the device is asked to compile */
function recordingDevice(onModule: (descriptor: GPUShaderModuleDescriptor) => void) {
  const { device, info } = createCountingDevice({ adapterClass: 'gpu', content: finishedDecoding(NEW_TOKENS) });
  const createShaderModule = (descriptor: GPUShaderModuleDescriptor) => {
    onModule(descriptor);
    return device.createShaderModule(descriptor);
  };
  return { device: { ...device, createShaderModule }, info };
}

/** Reads what a pipeline cache calls its modules: the file, and its specialisation as JSON. */
function pipelineOf(
  { label = '', code }: GPUShaderModuleDescriptor,
  sources: ReadonlyMap<string, string>,
): RunPipeline {
  const at = label.indexOf(' ');
  const file = label.slice(0, at);
  const given = Object.entries(JSON.parse(label.slice(at)) as RunPipeline['spec']);
  const isLibrary = (key: string) => key.startsWith('lib/');
  const imported = [...sources.get(file)!.matchAll(/^\/\/ import (\S+)$/gm)].map(([, name]) => [name!, name!]);
  const replaced = given.filter(([key]) => isLibrary(key)).map(([key, value]) => [key, String(value)]);
  return {
    file,
    spec: Object.fromEntries(given.filter(([key]) => !isLibrary(key))),
    imports: Object.fromEntries([...imported, ...replaced]) as Record<string, string>,
    code,
  };
}

/**
 * The pipelines of SFT, GRPO and evaluation at the 3B's widths with the base in 4 bits, bf16 and f32, in the order in
 * which they are first needed; each source once.
 */
export async function runPipelines(): Promise<RunPipeline[]> {
  defineGpuConstants();
  const sources = new Map(shaderSources());
  const byCode = new Map<string, RunPipeline>();
  for (const { recipe, validationRows } of runs()) {
    const { device, info } = recordingDevice((descriptor) => {
      if (!byCode.has(descriptor.code)) byCode.set(descriptor.code, pipelineOf(descriptor, sources));
    });
    const gpu = createGpu(device, { info });
    await measureMatmul(gpu);
    await syntheticRun(gpu, {
      config: CONFIG,
      weights: zeroWeights(CONFIG),
      recipe: shortened(recipe, NEW_TOKENS),
      rows: { count: 40, promptText: 60, target: 40, picture: [24, 24] },
      validationRows,
      gpuBytes: 24 * 2 ** 30,
    });
  }
  return [...byCode.values()];
}
