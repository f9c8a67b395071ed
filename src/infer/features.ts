// Picture features, computed once per picture (the tower is frozen) and kept within a memory budget.

import { imageKey, type ImageRef } from '../data/encode';
import type { Gpu } from '../gpu/gpu';
import type { ImagePatches } from '../image/patches';
import { visionFeatures, type VisionTower } from '../model/visionTower';

export interface FeatureStore {
  /** Computes what is missing, several pictures at a time. */
  prepare(images: readonly ImageRef[], onDone?: (done: number, total: number) => void): Promise<void>;
  /** f32 (rows, C) of the pictures in order; computes what is missing. */
  featuresOf(images: readonly ImageRef[]): Promise<Float32Array<ArrayBuffer>>;
}

/** Patches that go through the tower together; bounds the activations. */
const PATCHES_TOGETHER = 2048;

/**
 * @param patchesOf decodes and cuts a picture, in its view
 * @param maxBytes features beyond this are dropped, oldest use first, and computed again when asked for
 */
export function createFeatureStore(
  gpu: Gpu,
  tower: VisionTower,
  patchesOf: (image: ImageRef) => Promise<ImagePatches>,
  maxBytes = 2 ** 30,
): FeatureStore {
  const kept = new Map<string, Float32Array>();
  let bytes = 0;

  const keep = (key: string, features: Float32Array) => {
    kept.set(key, features);
    bytes += features.byteLength;
    for (const [oldest, value] of kept) {
      if (bytes <= maxBytes || oldest === key) break;
      kept.delete(oldest);
      bytes -= value.byteLength;
    }
  };

  const compute = async (batch: { image: ImageRef; patches: ImagePatches }[]) => {
    const joined = new Float32Array(batch.reduce((sum, { patches }) => sum + patches.patches.length, 0));
    let at = 0;
    for (const { patches } of batch) {
      joined.set(patches.patches, at);
      at += patches.patches.length;
    }
    const features = await visionFeatures(
      gpu,
      tower,
      joined,
      batch.map(({ patches }) => patches.grid),
    );
    gpu.assertHealthy();
    const unit = tower.config.spatialMergeSize ** 2;
    let row = 0;
    for (const { image, patches } of batch) {
      const rows = (patches.grid[0] * patches.grid[1] * patches.grid[2]) / unit;
      const width = tower.config.outHiddenSize;
      keep(imageKey(image), features.slice(row * width, (row + rows) * width));
      row += rows;
    }
  };

  const prepare: FeatureStore['prepare'] = async (images, onDone) => {
    const distinct = new Map(images.map((image) => [imageKey(image), image]));
    const missing = [...distinct].flatMap(([key, image]) => (kept.has(key) ? [] : [image]));
    let batch: { image: ImageRef; patches: ImagePatches }[] = [];
    let size = 0;
    for (const [done, image] of missing.entries()) {
      const patches = await patchesOf(image);
      batch.push({ image, patches });
      size += patches.grid[1] * patches.grid[2];
      if (size >= PATCHES_TOGETHER || done === missing.length - 1) {
        await compute(batch);
        batch = [];
        size = 0;
        onDone?.(done + 1, missing.length);
      }
    }
  };

  return {
    prepare,
    async featuresOf(images) {
      await prepare(images);
      const parts = images.map((image) => {
        const key = imageKey(image);
        const features = kept.get(key);
        if (!features) throw new Error(`features of ${key} were dropped while in use`);
        kept.delete(key); // moves it to the end: last used
        kept.set(key, features);
        return features;
      });
      const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        out.set(part, at);
        at += part.length;
      }
      return out;
    },
  };
}
