// A reference folder's model on the device, with the features of its images.

import { plainDecisions } from '../budgets/decisions';
import type { ImageRef } from '../data/encode';
import { openWeights, type WeightFiles } from '../formats/weightFiles';
import { createGpu, type Gpu } from '../gpu/gpu';
import type { FeaturesOf } from '../infer/features';
import type { StorageOptions } from '../model/baseStorage';
import { parseModelConfig, type ModelConfig } from '../model/config';
import { loadQwen25VL, type Qwen25VL } from '../model/qwen25vl';
import { visionFeatures, type VisionProbe } from '../model/visionTower';
import type { PatchGrid } from '../model/visionLayout';
import type { KernelVariant, ReferenceFolder, ReferenceTensor, VerifyContext } from '../reference/types';

export interface ReferenceModel {
  gpu: Gpu;
  config: ModelConfig;
  model: Qwen25VL;
  /** The tensors of vision.safetensors. */
  vision: Map<string, ReferenceTensor>;
  grids: PatchGrid[];
  /** Features of each image, computed here. */
  imageFeatures: Float32Array[];
}

/** A reference's image, of which the folder has patches and no file: the view says nothing. */
export function imageRefOf({ grids }: Pick<ReferenceModel, 'grids'>, image: number): ImageRef {
  return { hash: String(image), view: { loading: 'library', preResize: false }, grid: grids[image]! };
}

const gpus = new WeakMap<GPUDevice, Map<KernelVariant | undefined, Gpu>>();

/** The features computed here, handed over as a run's are. */
export function referenceFeatures({ imageFeatures }: Pick<ReferenceModel, 'imageFeatures'>): FeaturesOf {
  return async (images, use) => {
    for (const [i, { hash }] of images.entries()) await use(i, imageFeatures[Number(hash)]!);
  };
}

/** Nothing of a reference is cut into smaller pieces. */
export const REFERENCE_DECISIONS = plainDecisions('f32', { sft: 0, grpo: 0 });

/** One engine handle per device and family of kernels. */
export async function gpuOf({ device: requested, variant }: Pick<VerifyContext, 'device' | 'variant'>): Promise<Gpu> {
  const device = await requested();
  const made = gpus.get(device) ?? new Map<KernelVariant | undefined, Gpu>();
  gpus.set(device, made);
  const gpu = made.get(variant) ?? createGpu(device, { variant });
  made.set(variant, gpu);
  return gpu;
}

/** f32 values of a reference tensor. */
export function floats(tensors: Map<string, ReferenceTensor>, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the reference has no tensor ${name}`);
  return Float32Array.from(tensor.data);
}

/** Integers of a reference tensor. */
export function integers(tensors: Map<string, ReferenceTensor>, name: string): number[] {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the reference has no tensor ${name}`);
  return Array.from(tensor.data);
}

/** Splits (rows, width) features of all images by image. */
export function splitFeatures(
  all: Float32Array,
  grids: readonly PatchGrid[],
  unit: number,
  width: number,
): Float32Array[] {
  let row = 0;
  return grids.map(([t, h, w]) => {
    const rows = (t * h * w) / unit;
    const part = all.slice(row * width, (row + rows) * width);
    row += rows;
    return part;
  });
}

/** The weight files of a model's folder. */
export async function openReferenceWeights({ folder }: VerifyContext, path: string): Promise<WeightFiles> {
  const bytes = await folder.bytes(`${path}/model.safetensors`);
  return openWeights({ 'model.safetensors': new Blob([bytes as Uint8Array<ArrayBuffer>]) });
}

/**
 * @param path the model's folder within the reference
 * @param options.probe sees the vision tower's intermediate results @param options.storage of the matrices
 */
export async function loadReferenceModel(
  context: VerifyContext,
  path: string,
  { probe, storage }: { probe?: VisionProbe; storage?: StorageOptions } = {},
): Promise<ReferenceModel> {
  const { folder } = context;
  const gpu = await gpuOf(context);
  const config = parseModelConfig(
    await folder.json(`${path}/config.json`),
    await optionalJson(folder, `${path}/generation_config.json`),
  );
  const model = await loadQwen25VL(gpu, await openReferenceWeights(context, path), config, {
    ...(storage && { storage }),
  });
  const vision = await folder.tensors(`${path}/vision.safetensors`);
  const flat = integers(vision, 'grid_thw');
  const grids: PatchGrid[] = Array.from({ length: flat.length / 3 }, (_, i) => [
    flat[3 * i]!,
    flat[3 * i + 1]!,
    flat[3 * i + 2]!,
  ]);
  const features = await visionFeatures(gpu, model.vision, floats(vision, 'pixel_values'), grids, probe);
  const unit = config.vision.spatialMergeSize ** 2;
  const imageFeatures = splitFeatures(features, grids, unit, config.hiddenSize);
  return { gpu, config, model, vision, grids, imageFeatures };
}

async function optionalJson(folder: ReferenceFolder, path: string): Promise<unknown> {
  return (await folder.exists(path)) ? folder.json(path) : undefined;
}
