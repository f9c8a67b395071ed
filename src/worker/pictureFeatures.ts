// A run's picture features: where they are kept, and what they depend on.

import { sha256Hex } from '../base/bytes';
import { smallerEncoding } from '../budgets/smaller';
import { workOf } from '../budgets/together';
import type { ImageProcessor } from '../image/processorConfig';
import { createFeatureStore, type FeaturesOf, type TowerSource } from '../infer/features';
import { relieved, type Relief } from '../infer/relief';
import type { Recipe } from '../recipe/config';
import { openFeatureCache, storedFeatureBytes } from '../storage/featureCache';
import { opfs } from '../storage/opfs';
import type { Reporter } from '../train/control';
import type { RunFingerprints } from './runCheckpoint';
import { rowPictures } from './rowPictures';
import type { TrainingRows } from './rows';
import { patchesOf } from './storedImage';

export interface PictureOptions {
  /** Device and decisions, and what makes room. */
  relief: Relief;
  tower: TowerSource;
  recipe: Recipe;
  rows: TrainingRows;
  processor: ImageProcessor;
  fingerprints: Pick<RunFingerprints, 'base' | 'kernels'>;
  reporter: Reporter;
}

export interface PictureFeatures {
  featuresOf: FeaturesOf;
  /**
   * Where the tower is to leave the GPU, all pictures go through it first, as far as their features can be kept.
   * @param boundary where the run may be interrupted
   * @throws image.*, storage.missing, gpu.*, and what `boundary` throws
   */
  encode(boundary: () => Promise<void>): Promise<void>;
}

/** Of what is free, the share that features may take. */
const DISK_SHARE = 0.5;

/** All that a picture's features depend on beside the picture and its view: another GPU rounds otherwise. */
async function scopeOf({ relief, recipe, processor, fingerprints }: PictureOptions): Promise<string> {
  const { vendor, architecture } = relief.gpu.info;
  const storage = [relief.decisions.storage, recipe.dtype, recipe.bnb_4bit_use_double_quant];
  const all = ['f32', fingerprints.base, fingerprints.kernels, vendor, architecture, storage, processor];
  return (await sha256Hex(new TextEncoder().encode(JSON.stringify(all)))).slice(0, 16);
}

/**
 * Bytes that all features may take on the disk.
 * @param most as decided @param estimate the browser's @param stored bytes of features that lie there: in use, but theirs
 */
export function diskLimit(most: number, { quota = 0, usage = 0 }: StorageEstimate, stored: number): number {
  return Math.min(most, (quota - usage + stored) * DISK_SHARE);
}

async function cacheOf(options: PictureOptions) {
  const { disk } = options.relief.decisions.features;
  if (disk === 0) return undefined;
  const estimate = (await navigator.storage?.estimate?.()) ?? {};
  const limit = diskLimit(disk, estimate, await storedFeatureBytes(opfs));
  return openFeatureCache(opfs, await scopeOf(options), limit);
}

/** Opens the store of a run's features. */
export async function openPictureFeatures(options: PictureOptions): Promise<PictureFeatures> {
  const { relief, tower, processor, reporter, rows, recipe } = options;
  const { gpu, decisions } = relief;
  const store = createFeatureStore({
    gpu,
    tower,
    decisions,
    patchesOf: (image) => patchesOf(image, processor),
    hostBytes: decisions.features.host,
    cache: await cacheOf(options),
  });
  const encodeAll = async (boundary: () => Promise<void>): Promise<void> => {
    const pictures = rowPictures(rows, recipe);
    const onDone = (done: number, total: number): Promise<void> => {
      reporter.progress({ phase: 'encode', done, total, unit: 'pictures' });
      return boundary();
    };
    await relieved(
      relief,
      () => smallerEncoding(decisions, workOf(pictures.map(({ grid: [t, h, w] }) => t * h * w))),
      () => store.prepare(pictures, onDone),
    );
    tower.close();
  };
  return {
    featuresOf: store.featuresOf,
    async encode(boundary) {
      if (!decisions.towerStays) await reporter.timed('encode', () => encodeAll(boundary));
    },
  };
}
