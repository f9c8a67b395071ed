// A run's picture features: where they are kept, and what they depend on.

import { sha256Hex } from '../base/bytes';
import type { Decisions } from '../budgets/decisions';
import type { Gpu } from '../gpu/gpu';
import type { ImageProcessor } from '../image/processorConfig';
import { createFeatureStore, type FeaturesOf, type TowerSource } from '../infer/features';
import type { Recipe } from '../recipe/config';
import { openFeatureCache } from '../storage/featureCache';
import { opfs } from '../storage/opfs';
import type { Reporter } from '../train/control';
import type { RunFingerprints } from './runCheckpoint';
import { imagesOf, type TrainingRows } from './rows';
import { patchesOf } from './storedImage';

export interface PictureOptions {
  gpu: Gpu;
  tower: TowerSource;
  decisions: Decisions;
  recipe: Recipe;
  rows: TrainingRows;
  processor: ImageProcessor;
  fingerprints: Pick<RunFingerprints, 'base' | 'kernels'>;
  reporter: Reporter;
}

/** Of what is free, the share that features may take. */
const DISK_SHARE = 0.5;

/** All that a picture's features depend on beside the picture and its view: another GPU rounds otherwise. */
async function scopeOf({ gpu, decisions, recipe, processor, fingerprints }: PictureOptions): Promise<string> {
  const { vendor, architecture } = gpu.info;
  const storage = [decisions.storage, recipe.dtype, recipe.bnb_4bit_use_double_quant];
  const all = ['f32', fingerprints.base, fingerprints.kernels, vendor, architecture, storage, processor];
  return (await sha256Hex(new TextEncoder().encode(JSON.stringify(all)))).slice(0, 16);
}

async function cacheOf(options: PictureOptions) {
  const { disk } = options.decisions.features;
  if (disk === 0) return undefined;
  const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return openFeatureCache(opfs, await scopeOf(options), Math.min(disk, (quota - usage) * DISK_SHARE));
}

/**
 * Opens the store of a run's features. Where the tower is to leave the GPU, all pictures go through it first.
 * @throws image.*, storage.missing, gpu.*
 */
export async function openPictureFeatures(options: PictureOptions): Promise<FeaturesOf> {
  const { gpu, tower, decisions, processor, reporter } = options;
  const store = createFeatureStore({
    gpu,
    tower,
    decisions,
    patchesOf: (image) => patchesOf(image, processor),
    hostBytes: decisions.features.host,
    cache: await cacheOf(options),
  });
  if (!decisions.towerStays) {
    await store.prepare(imagesOf(options.rows), (done, total) =>
      reporter.progress({ phase: 'encode', done, total, unit: 'pictures' }),
    );
    tower.close();
  }
  return store.featuresOf;
}
