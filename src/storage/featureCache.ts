// Picture features that outlive a run, one file each in the browser's private file system, within a budget of bytes.
// Nothing here can fail a run: what cannot be read or written, or is damaged, is as if it were not there.

import { bytesInPieces } from '../base/filePieces';
import { bytesOf, sha256Hex } from '../base/bytes';
import { writeFile, type Files } from './opfs';

const PREFIX = 'features-';
/** Hex digits of the SHA-256 over the values, before them. */
const HASH_BYTES = 64;

export interface StoredFeatures {
  has(key: string): Promise<boolean>;
  /** @returns null for what is not kept, or is damaged: that is removed */
  read(key: string): Promise<Float32Array | null>;
  /** Bytes of features that would still be kept. */
  room(): number;
  /** Keeps features where there is room; those of other scopes make room. */
  write(key: string, features: Float32Array): Promise<void>;
}

async function encode(features: Float32Array): Promise<Uint8Array<ArrayBuffer>> {
  const values = bytesOf(new Float32Array(features));
  const out = new Uint8Array(HASH_BYTES + values.length);
  out.set(new TextEncoder().encode(await sha256Hex(values)));
  out.set(values, HASH_BYTES);
  return out;
}

async function decode(bytes: Uint8Array<ArrayBuffer>): Promise<Float32Array | null> {
  const values = bytes.slice(HASH_BYTES);
  const noted = new TextDecoder().decode(bytes.subarray(0, HASH_BYTES));
  if (values.length === 0 || values.length % 4 !== 0 || noted !== (await sha256Hex(values))) return null;
  return new Float32Array(values.buffer);
}

/** Bytes of all stored features, of whatever scope. */
export async function storedFeatureBytes(files: Files): Promise<number> {
  return (await files.list(PREFIX).catch(() => [])).reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * @param scope what features depend on besides the key, as a short name: another scope's are never read
 * @param maxBytes of all features in storage, those of other scopes included
 */
export async function openFeatureCache(files: Files, scope: string, maxBytes: number): Promise<StoredFeatures> {
  const own = `${PREFIX}${scope}-`;
  const sizes = new Map<string, number>();
  for (const { name, bytes } of await files.list(PREFIX).catch(() => [])) sizes.set(name, bytes);
  let total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  let full = false;

  const nameOf = async (key: string) => `${own}${await sha256Hex(new TextEncoder().encode(key))}`;
  const drop = async (name: string) => {
    await files.remove(name).catch(() => undefined);
    total -= sizes.get(name) ?? 0;
    sizes.delete(name);
  };
  const makeRoom = async (bytes: number): Promise<boolean> => {
    for (const name of [...sizes.keys()]) {
      if (total + bytes <= maxBytes) break;
      if (!name.startsWith(own)) await drop(name);
    }
    return total + bytes <= maxBytes;
  };

  const ownBytes = (): number => [...sizes].reduce((sum, [name, bytes]) => sum + (name.startsWith(own) ? bytes : 0), 0);

  return {
    room: () => (full ? 0 : Math.max(0, maxBytes - ownBytes())),
    has: async (key) => sizes.has(await nameOf(key)),
    async read(key) {
      const name = await nameOf(key);
      if (!sizes.has(name)) return null;
      const bytes = await files.read(name).catch(() => null);
      const features = bytes && (await decode(bytes));
      if (!features) await drop(name);
      return features;
    },
    async write(key, features) {
      const name = await nameOf(key);
      if (full || sizes.has(name)) return;
      const bytes = await encode(features);
      if (!(await makeRoom(bytes.length))) return;
      try {
        await writeFile(files, name, bytesInPieces(bytes));
        sizes.set(name, bytes.length);
        total += bytes.length;
      } catch {
        // A full disk, or a browser without files: the features are computed again when they are needed.
        full = true;
        await drop(name);
      }
    },
  };
}
