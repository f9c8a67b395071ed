// The features of a picture: the same bits in any company and from any cache, and none that a batch needs is dropped.

import { beforeAll, expect, test } from 'vitest';
import type { ImageRef } from '../data/encode';
import { openWeights } from '../formats/weightFiles';
import { requestDevice } from '../gpu/device';
import { createGpu, type Gpu } from '../gpu/gpu';
import type { ImagePatches } from '../image/patches';
import { parseModelConfig } from '../model/config';
import { loadQwen25VL } from '../model/qwen25vl';
import type { VisionTower } from '../model/visionTower';
import { createFeatureStore, type FeatureCache, type FeatureStore, type TowerSource } from './features';

let gpu: Gpu;
let vision: VisionTower;

beforeAll(async () => {
  gpu = createGpu((await requestDevice()).device, { debug: true });
  const file = async (name: string) => (await fetch(`/demo/model/${name}`)).blob();
  const config = parseModelConfig(JSON.parse(await (await file('config.json')).text()));
  const weights = await openWeights({ 'model.safetensors': await file('model.safetensors') });
  vision = (await loadQwen25VL(gpu, weights, config)).vision;
});

/** Pictures of several sizes, windows cut at the edge among them. */
const SIDES: [number, number][] = [
  [8, 8],
  [6, 10],
  [2, 2],
  [12, 4],
  [8, 14],
];
const images: ImageRef[] = SIDES.map(([rows, columns], i) => ({
  hash: `picture ${i}`,
  view: { loading: 'library', preResize: false },
  grid: [1, rows, columns],
}));

/** Pixel values that no two pictures share. */
async function patchesOf({ hash, grid }: ImageRef): Promise<ImagePatches> {
  const { inChannels, temporalPatchSize, patchSize } = vision.config;
  const width = inChannels * temporalPatchSize * patchSize ** 2;
  const seed = Number(hash.at(-1)) + 1;
  const patches = Float32Array.from({ length: grid[1] * grid[2] * width }, (_, i) => Math.sin(i * 0.37 * seed + seed));
  return { patches, grid: [1, grid[1], grid[2]] };
}

interface Opened {
  store: FeatureStore;
  /** Pictures decoded, in order. */
  decoded: string[];
  /** Tower opened and closed. */
  tower: string[];
}

function open(given: { patchesTogether?: number; hostBytes?: number; cache?: FeatureCache } = {}): Opened {
  const decoded: string[] = [];
  const log: string[] = [];
  const tower: TowerSource = {
    config: vision.config,
    open: async () => {
      log.push('open');
      return vision;
    },
    close: () => void log.push('close'),
  };
  const store = createFeatureStore({
    ...{ gpu, tower, decisions: { patchesTogether: given.patchesTogether ?? 2048 }, hostBytes: 2 ** 30, ...given },
    patchesOf: (image) => {
      decoded.push(image.hash);
      return patchesOf(image);
    },
  });
  return { store, decoded, tower: log };
}

/** Features by picture, in the order of `wanted`. */
async function read(store: FeatureStore, wanted: readonly ImageRef[] = images): Promise<number[][]> {
  const found: number[][] = [];
  await store.featuresOf(wanted, (picture, features) => {
    expect(found[picture]).toBeUndefined();
    found[picture] = Array.from(features);
  });
  expect(found.filter(Boolean)).toHaveLength(wanted.length);
  return found;
}

test('a picture’s features are the same bits alone and in any company', async () => {
  const together = await read(open().store);
  expect(together.map((values) => values.length)).toEqual(
    SIDES.map(([rows, columns]) => (rows * columns * vision.config.outHiddenSize) / 4),
  );
  expect(await read(open({ patchesTogether: 1 }).store)).toEqual(together);
  expect(await read(open({ patchesTogether: 100 }).store)).toEqual(together);
  expect((await read(open().store, [...images].reverse())).reverse()).toEqual(together);
});

test('a cache with room for one picture gives the same bits as one with room for all, batch after batch', async () => {
  const largest = Math.max(...SIDES.map(([rows, columns]) => (rows * columns * vision.config.outHiddenSize * 4) / 4));
  const small = open({ hostBytes: largest });
  const none = open({ hostBytes: 0 });
  const large = open();
  for (let epoch = 0; epoch < 2; epoch++) {
    const want = await read(large.store);
    expect(await read(small.store)).toEqual(want);
    expect(await read(none.store)).toEqual(want);
  }
  expect(large.decoded).toHaveLength(5);
  expect(small.decoded.length).toBeGreaterThan(5);
  expect(none.decoded).toHaveLength(10);
});

test('a picture that a batch has twice is handed over for both and computed once', async () => {
  const { store, decoded } = open({ hostBytes: 0 });
  const [first, second, again] = await read(store, [images[0]!, images[1]!, images[0]!]);
  expect(again).toEqual(first);
  expect(second).not.toEqual(first);
  expect(decoded).toHaveLength(2);
});

test('what is prepared is not computed again, and the tower is asked for only while pictures are computed', async () => {
  const { store, decoded, tower } = open();
  const seen: [number, number][] = [];
  await store.prepare(images, (done, total) => void seen.push([done, total]));
  expect(seen).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
  expect(tower).toEqual(['open', 'close']);
  await read(store);
  await store.prepare(images);
  expect(decoded).toHaveLength(5);
  expect(tower).toEqual(['open', 'close']);
});

test('what outlives the run is read instead of computed, and what is damaged there is computed again', async () => {
  const kept = new Map<string, Float32Array>();
  const cache: FeatureCache = {
    room: () => Infinity,
    has: async (key) => kept.has(key),
    read: async (key) => kept.get(key) ?? null,
    write: async (key, features) => void kept.set(key, features),
  };
  const want = await read(open({ cache, hostBytes: 0 }).store);
  expect(kept.size).toBe(5);
  const later = open({ cache, hostBytes: 0 });
  kept.delete([...kept.keys()][2]!);
  expect(await read(later.store)).toEqual(want);
  expect(later.decoded).toEqual(['picture 2']);
});

test('whoever cannot take the features ends the call, and the tower is let go', async () => {
  const { store, tower } = open();
  const refuse = () => {
    throw new Error('refused');
  };
  await expect(store.featuresOf(images, refuse)).rejects.toThrow('refused');
  expect(tower).toEqual(['open', 'close']);
});

test('of pictures that are prepared, those that no cache has room for are not computed', async () => {
  const bytesOf = ([rows, columns]: [number, number]) => rows * columns * vision.config.outHiddenSize;
  const two = bytesOf(SIDES[0]!) + bytesOf(SIDES[1]!);
  const memory = open({ hostBytes: two });
  await memory.store.prepare(images);
  expect(memory.decoded).toEqual(['picture 0', 'picture 1']);
  await memory.store.prepare(images);
  expect(memory.decoded).toHaveLength(2);

  const kept = new Map<string, Float32Array>();
  const cache: FeatureCache = {
    room: () => bytesOf(SIDES[0]!),
    has: async (key) => kept.has(key),
    read: async (key) => kept.get(key) ?? null,
    write: async (key, features) => void (kept.size === 0 && kept.set(key, features)),
  };
  const both = open({ hostBytes: bytesOf(SIDES[1]!), cache });
  await both.store.prepare(images);
  expect(both.decoded).toEqual(['picture 0', 'picture 1']);
  await read(both.store, images.slice(0, 1));
  expect(both.decoded).toHaveLength(2);

  const none = open({ hostBytes: 0 });
  await none.store.prepare(images);
  expect(none.tower).toEqual([]);
});
