// Picture features: the tower is frozen, so a picture's are the same whenever they are computed, and whoever needs them
// gets them one picture after the other. What caches have room for is computed once; the rest again.

import type { Decisions } from '../budgets/decisions';
import { imageKey, type ImageRef } from '../data/encode';
import type { Gpu } from '../gpu/gpu';
import type { ImagePatches } from '../image/patches';
import { visionFeatures, type VisionTower } from '../model/visionTower';

/**
 * Hands the features of each picture, f32 (rows, C), to `use` under its index in `images`, in any order. Pictures of the
 * batch at hand are never dropped: nothing is handed over twice or not at all.
 */
export type FeaturesOf = (
  images: readonly ImageRef[],
  use: (picture: number, features: Float32Array) => void | Promise<void>,
) => Promise<void>;

export interface FeatureStore {
  /**
   * Computes what no cache has yet, up to the first picture that none has room for.
   * @param onDone called after each picture; what it throws ends the call
   */
  prepare(images: readonly ImageRef[], onDone?: (done: number, total: number) => Promise<void> | void): Promise<void>;
  featuresOf: FeaturesOf;
}

/** Features that outlive the run. What cannot be read or written is as if it were not there. */
export interface FeatureCache {
  /** Bytes of features that would still be kept. */
  room(): number;
  has(key: string): Promise<boolean>;
  /** @returns null for what is not kept, or is damaged */
  read(key: string): Promise<Float32Array | null>;
  write(key: string, features: Float32Array): Promise<void>;
}

/** The vision tower while it is needed; it may leave the GPU between `close` and `open`. */
export interface TowerSource {
  config: VisionTower['config'];
  open(): Promise<VisionTower>;
  close(): void;
}

/** A tower that stays. */
export function residentTower(tower: VisionTower): TowerSource {
  return { config: tower.config, open: () => Promise.resolve(tower), close: () => undefined };
}

export interface FeatureStoreOptions {
  gpu: Gpu;
  tower: TowerSource;
  /** Decodes and cuts a picture, in its view. */
  patchesOf(image: ImageRef): Promise<ImagePatches>;
  /** The run's own record: patches that go through the tower together; a larger picture goes alone. */
  decisions: Pick<Decisions, 'patchesTogether'>;
  /** Features kept in memory; beyond it those whose last use is oldest are dropped. */
  hostBytes: number;
  /** Left out: none. */
  cache?: FeatureCache;
}

interface Cut {
  image: ImageRef;
  patches: ImagePatches;
}

/** Features in memory by key, oldest use first. */
function createHostCache(maxBytes: number) {
  const kept = new Map<string, Float32Array>();
  let bytes = 0;
  return {
    get(key: string): Float32Array | undefined {
      const features = kept.get(key);
      if (!features) return undefined;
      kept.delete(key); // moves it to the end: last used
      kept.set(key, features);
      return features;
    },
    keep(key: string, features: Float32Array): void {
      if (kept.has(key) || features.byteLength > maxBytes) return;
      kept.set(key, features);
      bytes += features.byteLength;
      for (const [oldest, { byteLength }] of kept) {
        if (bytes <= maxBytes) break;
        kept.delete(oldest);
        bytes -= byteLength;
      }
    },
  };
}

function featureBytes({ grid }: ImageRef, { spatialMergeSize, outHiddenSize }: TowerSource['config']): number {
  return ((grid[0] * grid[1] * grid[2]) / spatialMergeSize ** 2) * outHiddenSize * Float32Array.BYTES_PER_ELEMENT;
}

function joinPatches(batch: readonly Cut[]): Float32Array {
  const joined = new Float32Array(batch.reduce((sum, { patches }) => sum + patches.patches.length, 0));
  let at = 0;
  for (const { patches } of batch) {
    joined.set(patches.patches, at);
    at += patches.patches.length;
  }
  return joined;
}

/** Pictures through the tower together; each picture's features are the same in any company. */
async function compute(gpu: Gpu, tower: VisionTower, batch: readonly Cut[]): Promise<Float32Array[]> {
  const grids = batch.map(({ patches }) => patches.grid);
  const features = await visionFeatures(gpu, tower, joinPatches(batch), grids);
  gpu.assertHealthy();
  const { spatialMergeSize, outHiddenSize } = tower.config;
  let at = 0;
  return grids.map(([frames, rows, columns]) => {
    const start = at;
    at += ((frames * rows * columns) / spatialMergeSize ** 2) * outHiddenSize;
    return features.slice(start, at);
  });
}

/** One store for a run. */
export function createFeatureStore(options: FeatureStoreOptions): FeatureStore {
  const { gpu, tower, patchesOf, decisions, cache } = options;
  const host = createHostCache(options.hostBytes);

  /** What memory or disk have. */
  const find = async (key: string): Promise<Float32Array | null> => {
    const kept = host.get(key);
    if (kept) return kept;
    const stored = (await cache?.read(key)) ?? null;
    if (stored) host.keep(key, stored);
    return stored;
  };

  /** Computes pictures in batches and hands each on as soon as it is there. */
  const computeAll = async (
    images: readonly ImageRef[],
    use: (image: ImageRef, features: Float32Array) => void | Promise<void>,
  ): Promise<void> => {
    if (images.length === 0) return;
    const open = await tower.open();
    const flush = async (batch: Cut[]) => {
      if (batch.length === 0) return;
      for (const [i, features] of (await compute(gpu, open, batch)).entries()) {
        const { image } = batch[i]!;
        host.keep(imageKey(image), features);
        await cache?.write(imageKey(image), features);
        await use(image, features);
      }
    };
    let batch: Cut[] = [];
    let size = 0;
    try {
      for (const image of images) {
        const patches = await patchesOf(image);
        const own = patches.grid[0] * patches.grid[1] * patches.grid[2];
        if (size + own > decisions.patchesTogether) {
          await flush(batch);
          batch = [];
          size = 0;
        }
        batch.push({ image, patches });
        size += own;
      }
      await flush(batch);
    } finally {
      tower.close();
    }
  };

  /** Pictures that no cache has, up to the first that none has room for. */
  const keepable = async (images: readonly ImageRef[]): Promise<ImageRef[]> => {
    const missing: ImageRef[] = [];
    // What lies on the disk as well is dropped from memory first: it was used before.
    let hostRoom = options.hostBytes;
    for (const [key, image] of new Map(images.map((image) => [imageKey(image), image]))) {
      if (await cache?.has(key)) continue;
      if (host.get(key)) hostRoom -= featureBytes(image, tower.config);
      else missing.push(image);
    }
    let cacheRoom = cache?.room() ?? 0;
    const firstWithout = missing.findIndex((image) => {
      const bytes = featureBytes(image, tower.config);
      if (bytes <= cacheRoom) cacheRoom -= bytes;
      else hostRoom -= bytes;
      return hostRoom < 0;
    });
    return firstWithout < 0 ? missing : missing.slice(0, firstWithout);
  };

  return {
    async prepare(images, onDone) {
      const missing = await keepable(images);
      let done = 0;
      await computeAll(missing, () => onDone?.(++done, missing.length));
    },
    async featuresOf(images, use) {
      const places = new Map<string, { image: ImageRef; indices: number[] }>();
      images.forEach((image, i) => {
        const place = places.get(imageKey(image));
        if (place) place.indices.push(i);
        else places.set(imageKey(image), { image, indices: [i] });
      });
      const hand = async (key: string, features: Float32Array) => {
        for (const index of places.get(key)!.indices) await use(index, features);
      };
      const missing: ImageRef[] = [];
      for (const [key, { image }] of places) {
        const found = await find(key);
        if (found) await hand(key, found);
        else missing.push(image);
      }
      await computeAll(missing, (image, features) => hand(imageKey(image), features));
    },
  };
}
