import { cdp } from 'vitest/browser';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256Hex } from '../base/bytes';
import type { WeightFiles } from '../formats/weightFiles';
import type { Gpu } from '../gpu/gpu';
import { withGpu } from '../gpu/testGpu';
import type { StorageOptions } from '../model/baseStorage';
import { freeTower, loadQwen25VL, loadTower, type Qwen25VL } from '../model/qwen25vl';
import { NARROW_WIDTHS, oneLayerModel, type OneLayerModel } from '../model/testing/oneLayerModel';
import { copyLock, deleteCopy, listCopies, verifyCopy } from '../storage/modelCopies';
import { changeCopyFile, copyFiles, emptyCopies, putCopyFile } from '../storage/testing/copyFiles';
import { openCopiedBase, type CopiedBase } from './baseCopy';

type Nf4 = StorageOptions & { nf4: { doubleQuant: boolean } };

const STORAGE: Nf4 = { dtype: 'auto', nf4: { doubleQuant: true } };
const NAME = 'x/narrow';
const GB = 1e9;

beforeEach(emptyCopies);
afterEach(async () => {
  vi.restoreAllMocks();
  await emptyCopies();
});

/** Every buffer of a part of the model, in the order of its fields. */
function buffersOf(value: unknown): GPUBuffer[] {
  if (value instanceof GPUBuffer) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(buffersOf))];
}

/** All bits of a part of the model: the hash of every buffer. */
async function bitsOf({ rec }: Gpu, value: unknown): Promise<string[]> {
  const tensors = buffersOf(value).map((buffer) => ({ buffer, shape: [buffer.size / 4], dtype: 'u32' as const }));
  return Promise.all((await rec.read(...tensors)).map((bytes) => sha256Hex(new Uint8Array(bytes))));
}

function freeModel(gpu: Gpu, { language, vision }: Qwen25VL): void {
  freeTower(gpu, vision);
  gpu.free(...buffersOf(language).map((buffer) => ({ buffer, shape: [1], dtype: 'f32' as const })));
}

/** Files of which headers may be read and no weight. */
const unread = (files: WeightFiles): WeightFiles => {
  const refuse = () => Promise.reject(new Error('a weight was read from the source'));
  return { ...files, read: refuse, readElements: refuse };
};

interface Loaded {
  bits: string[];
  notices: { code: string; message: string }[];
}

interface Given {
  storage?: Nf4;
  keep?: boolean;
  /** Before loading, and after it. */
  between?: (copied: CopiedBase, gpu: Gpu, model: Qwen25VL) => Promise<void>;
  fingerprint?: string;
  /** Of the source's file. */
  lastModified?: number;
  unfinished?: boolean;
}

/** Loads the base as a run does. */
async function load(gpu: Gpu, { config }: OneLayerModel, weights: WeightFiles, given: Given = {}): Promise<Loaded> {
  const { storage = STORAGE, keep = true, fingerprint = 'of the source', unfinished, between } = given;
  const blob = new File(['12345'], 'model.safetensors', { lastModified: given.lastModified ?? 1000 });
  const notices: Loaded['notices'] = [];
  const copied = await openCopiedBase(gpu, {
    ...{ storage, fingerprint, keep },
    opened: { name: NAME, config, weights, weightFiles: [{ name: 'model.safetensors', blob }] },
    reporter: { emit: (event) => event.type === 'notice' && notices.push(event) },
  });
  try {
    const model = await loadQwen25VL(gpu, weights, config, { storage, through: copied.through });
    if (!unfinished) await copied.finish();
    await between?.(copied, gpu, model);
    const bits = await bitsOf(gpu, model);
    freeModel(gpu, model);
    await gpu.rec.submit();
    expect(gpu.memory().bytes.weights, 'all of it was given back').toBe(0);
    return { bits, notices };
  } finally {
    await copied.close();
  }
}

const codes = ({ notices }: Loaded): string[] => notices.map(({ code }) => code);

async function withBase(use: (gpu: Gpu, base: OneLayerModel) => Promise<void>): Promise<void> {
  const base = await oneLayerModel(NARROW_WIDTHS, 'BF16');
  await withGpu('software', ({ gpu }) => use(gpu, base));
}

/** Bits of the base from its files, and a copy of it in the browser. */
async function kept(gpu: Gpu, base: OneLayerModel): Promise<{ bits: string[]; key: string }> {
  const { bits } = await load(gpu, base, base.files);
  const [copy] = await listCopies();
  return { bits, key: copy!.key };
}

test.each<Nf4>([STORAGE, { dtype: 'float32', nf4: { doubleQuant: false } }])(
  'a base from its copy has every bit of the one from its files, and no weight of those is read: %j',
  async (storage) => {
    await withBase(async (gpu, base) => {
      const first = await load(gpu, base, base.files, { storage });
      expect(codes(first)).toEqual(['base.copyKept']);
      const [copy] = await listCopies();
      const sources = [{ name: 'model.safetensors', bytes: 5, modifiedAt: 1000 }];
      expect(copy).toMatchObject({ name: NAME, sourceBytes: 5, sources });
      const plain = await loadQwen25VL(gpu, base.files, base.config, { storage });
      const bits = await bitsOf(gpu, plain);
      freeModel(gpu, plain);
      expect(first.bits).toEqual(bits);
      // Embedding, four linears and two norms of a layer, the last norm: more than scales and codes alone.
      expect(bits.length).toBeGreaterThan(30);

      const again = await load(gpu, base, unread(base.files), { storage });
      expect(codes(again)).toEqual(['base.copyRead']);
      expect(again.bits).toEqual(bits);
      // It is there whether or not new ones are made.
      expect(codes(await load(gpu, base, unread(base.files), { storage, keep: false }))).toEqual(['base.copyRead']);
    });
  },
);

test('a tower that has left comes again from the copy, in the run that has written it and in the next', async () => {
  await withBase(async (gpu, base) => {
    const weights = { ...base.files };
    for (const read of [base.files, unread(base.files)]) {
      Object.assign(weights, read);
      await load(gpu, base, weights, {
        between: async (copied, _, { vision }) => {
          const want = await bitsOf(gpu, vision);
          Object.assign(weights, unread(base.files));
          const options = { storage: STORAGE, quantizeOnCpu: false, through: copied.through };
          const tower = await loadTower(gpu, weights, base.config, options);
          expect(await bitsOf(gpu, tower)).toEqual(want);
          freeTower(gpu, tower);
        },
      });
    }
  });
});

test('nothing is written where no copy is wanted, and none is begun while another tab writes it', async () => {
  await withBase(async (gpu, base) => {
    expect(codes(await load(gpu, base, base.files, { keep: false }))).toEqual([]);
    expect(await copyFiles()).toEqual({});
    const { key } = await kept(gpu, base);
    await deleteCopy(key);
    await navigator.locks.request(copyLock(key), async () => {
      expect(codes(await load(gpu, base, base.files))).toEqual([]);
      expect(await copyFiles()).toEqual({});
    });
  });
});

test('a load that does not come to its end leaves nothing, and what a browser that died has left is written anew', async () => {
  await withBase(async (gpu, base) => {
    await load(gpu, base, base.files, { unfinished: true });
    expect(await copyFiles()).toEqual({});
    const { key, bits } = await kept(gpu, base);
    await deleteCopy(key);
    await putCopyFile(`${key}.part`, new Uint8Array(5_000_000));
    expect(codes(await load(gpu, base, base.files))).toEqual(['base.copyKept']);
    expect((await load(gpu, base, unread(base.files))).bits).toEqual(bits);
  });
});

test('a file that is too short is named, removed and made anew in the same load', async () => {
  await withBase(async (gpu, base) => {
    const { key, bits } = await kept(gpu, base);
    await changeCopyFile(key, (all) => all.slice(0, -7));
    const found = await load(gpu, base, base.files);
    expect(codes(found)).toEqual(['base.copyBroken', 'base.copyKept']);
    expect(found.notices[0]!.message).toMatch(
      /^The 4-bit copy of x\/narrow cannot be used \(its file has \d+ bytes instead of \d+\): it was removed/,
    );
    expect(found.bits).toEqual(bits);
    expect((await load(gpu, base, unread(base.files))).bits).toEqual(bits);
  });
});

test('a changed byte never comes onto the GPU: the copy is removed, and the rest read from the files', async () => {
  await withBase(async (gpu, base) => {
    const { key, bits } = await kept(gpu, base);
    const { bytes, manifestBytes } = (await listCopies())[0]!;
    for (const at of [3, Math.floor(bytes / 2), bytes - manifestBytes - 1]) {
      await changeCopyFile(key, (all) => all.fill(all[at]! ^ 4, at, at + 1));
      const found = await load(gpu, base, base.files, { keep: false });
      expect(codes(found), `byte ${at}`).toEqual(['base.copyBroken']);
      expect(found.notices[0]!.message).toMatch(/its bytes \d+ to \d+ are not those that were written/);
      expect(found.bits).toEqual(bits);
      expect(await listCopies()).toEqual([]);
      await kept(gpu, base);
    }
    await changeCopyFile(key, (all) => all.fill(all[9]! ^ 4, 9, 10));
    expect(await verifyCopy(key, () => undefined, new AbortController().signal)).toBe(false);
    expect(await copyFiles()).toEqual({});
  });
});

test('a copy that is deleted while it is read is no loss', async () => {
  await withBase(async (gpu, base) => {
    const { key, bits } = await kept(gpu, base);
    const found = await load(gpu, base, base.files, {
      between: async (copied, _, { vision }) => {
        await deleteCopy(key);
        const options = { storage: STORAGE, quantizeOnCpu: false, through: copied.through };
        const tower = await loadTower(gpu, base.files, base.config, options);
        expect(await bitsOf(gpu, tower)).toEqual(await bitsOf(gpu, vision));
        freeTower(gpu, tower);
      },
    });
    expect(codes(found)).toEqual(['base.copyRead', 'base.copyBroken']);
    expect(found.bits).toEqual(bits);
  });
});

test('files that were changed where their fingerprint does not look have no copy: their date tells it', async () => {
  await withBase(async (gpu, base) => {
    await kept(gpu, base);
    expect(codes(await load(gpu, base, base.files, { lastModified: 2000, keep: false }))).toEqual([]);
    expect(codes(await load(gpu, base, unread(base.files)))).toEqual(['base.copyRead']);
  });
});

test('a copy that cannot be read now is left for the next start, and the files are read', async () => {
  await withBase(async (gpu, base) => {
    const { bits } = await kept(gpu, base);
    const found = await load(gpu, base, base.files, {
      between: async (copied, _, { vision }) => {
        const fails = new DOMException('the disk is away', 'NotReadableError');
        // Once: the source is read by the same kind of reader.
        vi.spyOn(ReadableStreamBYOBReader.prototype, 'read').mockRejectedValueOnce(fails);
        const options = { storage: STORAGE, quantizeOnCpu: false, through: copied.through };
        const tower = await loadTower(gpu, base.files, base.config, options);
        vi.restoreAllMocks();
        expect(await bitsOf(gpu, tower)).toEqual(await bitsOf(gpu, vision));
        freeTower(gpu, tower);
      },
    });
    expect(codes(found)).toEqual(['base.copyRead', 'base.copyBroken']);
    expect(found.notices[1]!.message).toMatch(/cannot be read .*the disk is away.*: the model’s own files are read\.$/);
    expect((await load(gpu, base, unread(base.files))).bits).toEqual(bits);
  });
});

test('another source, another double quantization and a device that binds less each have a copy of their own', async () => {
  await withBase(async (gpu, base) => {
    const { bits } = await kept(gpu, base);
    const other = { ...STORAGE, nf4: { doubleQuant: false } };
    expect(codes(await load(gpu, base, base.files, { storage: other }))).toEqual(['base.copyKept']);
    expect(codes(await load(gpu, base, base.files, { fingerprint: 'of another' }))).toEqual(['base.copyKept']);
    const limits = { maxBufferSize: 70_000, maxStorageBufferBindingSize: 70_000 };
    const device = { limits, queue: gpu.device.queue } as unknown as GPUDevice;
    const small = await load({ ...gpu, device }, base, base.files);
    expect(codes(small)).toEqual(['base.copyKept']);
    expect(small.bits.length).toBeGreaterThan(bits.length);
    expect((await listCopies()).length).toBe(4);
    expect((await load({ ...gpu, device }, base, unread(base.files))).bits).toEqual(small.bits);
    expect((await load(gpu, base, unread(base.files))).bits).toEqual(bits);
  });
});

test('where a copy would take more than half of what is free, none is begun, and it is said how much is lacking', async () => {
  await withBase(async (gpu, base) => {
    vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ quota: 50 * GB, usage: 49.5 * GB });
    const found = await load(gpu, base, base.files);
    expect(codes(found)).toEqual(['base.copyNoRoom']);
    expect(found.notices[0]!.message).toMatch(/it would need 1\.3 MB, and 502\.7 MB more would have to be free/);
    expect(await copyFiles()).toEqual({});
  });
});

test('a disk that is full in the middle ends the copy and not the load', async () => {
  const session = cdp() as unknown as { send(method: string, params: object): Promise<unknown> };
  const quota = (quotaSize?: number) =>
    session.send('Storage.overrideQuotaForOrigin', { origin: location.origin, quotaSize });
  await withBase(async (gpu, base) => {
    const { bits, key } = await kept(gpu, base);
    await deleteCopy(key);
    const { usage = 0 } = await navigator.storage.estimate();
    // The estimate was right when it was asked.
    vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ quota: 50 * GB, usage: 0 });
    await quota(usage + 200_000);
    const found = await load(gpu, base, base.files).finally(() => quota());
    expect(codes(found)).toEqual(['base.copyFailed']);
    expect(found.notices[0]!.message).toMatch(/^No 4-bit copy of x\/narrow is kept: .* The run goes on without\.$/);
    expect(found.bits).toEqual(bits);
    expect(await copyFiles()).toEqual({});
  });
});
