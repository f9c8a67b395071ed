// What a checkpoint depends on beside itself, as hashes: the base model, the dataset's rows and the kernels.
// A hash tells that something differs, never what.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { DatasetRow } from '../base/dataset';
import { blobPieces } from '../base/blobBytes';
import { sha256Hex } from '../base/bytes';
import type { Recorder } from '../gpu/recorder';
import { shaderSources } from '../ops/shaderSources';

/** Up to here every byte of a file counts. */
const WHOLE_BYTES = 256 * 2 ** 20;
/** Bytes in memory at a time. */
const PIECE_BYTES = 8 * 2 ** 20;
const SAMPLE_BYTES = 64 * 2 ** 10;
const SAMPLE_EVERY_BYTES = 16 * 2 ** 20;
/** Bytes of a safetensors header's length. */
const PREFIX_BYTES = 8;

/** The same JSON value with the keys of its objects in order, so that its text does not depend on who wrote it. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  // Entries, because an object would put keys that look like numbers first.
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { object: entries.map(([key, inner]) => [key, canonical(inner)]) };
}

async function hashJson(value: unknown): Promise<string> {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(value)));
}

/** SHA-256 over blobs one after the other. The browser's own digest would want all bytes at once. */
async function hashBlobs(blobs: readonly Blob[]): Promise<string> {
  const hash = sha256.create();
  for (const blob of blobs) for await (const piece of blobPieces(blob, PIECE_BYTES)) hash.update(piece);
  return bytesToHex(hash.digest());
}

/** Bytes of the safetensors header with its length; at most one sampling distance, whatever the file says. */
async function headerBytes(blob: Blob): Promise<number> {
  const view = new DataView(await blob.slice(0, PREFIX_BYTES).arrayBuffer());
  return Math.min(PREFIX_BYTES + Number(view.getBigUint64(0, true)), SAMPLE_EVERY_BYTES);
}

/** The parts of a large file that are hashed: the header, a sample at every distance, and the end. */
async function sampledParts(blob: Blob): Promise<Blob[]> {
  const parts = [blob.slice(0, await headerBytes(blob))];
  for (let at = 0; at < blob.size; at += SAMPLE_EVERY_BYTES) parts.push(blob.slice(at, at + SAMPLE_BYTES));
  parts.push(blob.slice(-SAMPLE_BYTES));
  return parts;
}

async function hashFile(blob: Blob): Promise<string> {
  return hashBlobs(blob.size <= WHOLE_BYTES ? [blob] : await sampledParts(blob));
}

/**
 * Which base model this is: over config.json (whatever the order of its keys) and the weight files. A file of up to
 * 256 MB counts with every byte; of a larger one only its length, its header, 64 KB at every 16 MB and its last
 * 64 KB, since reading gigabytes would delay every start. A change between the samples goes unseen.
 * @param config parsed config.json @param files weight files, in any order
 * @returns SHA-256, 64 hex digits @throws what reading a Blob throws (a file changed or gone)
 */
export async function baseFingerprint(
  config: unknown,
  files: readonly { name: string; blob: Blob }[],
): Promise<string> {
  const hashes: [string, number, string][] = [];
  for (const { name, blob } of files) hashes.push([name, blob.size, await hashFile(blob)]);
  hashes.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return hashJson({ config: canonical(config), files: hashes });
}

/**
 * Which kernels compute: over the text of every shader and the variant in use. Code that chooses and specialises
 * shaders is not part of it.
 * @param recorder what its operations choose by @returns SHA-256, 64 hex digits
 */
export async function kernelFingerprint({ variant, quads }: Pick<Recorder, 'variant' | 'quads'>): Promise<string> {
  return hashJson({ variant, quads, shaders: shaderSources() });
}

/**
 * Which rows these are: picture, texts and split of each, in order. Names, places in files and token counts are left
 * out: they change no number of a training.
 * @returns SHA-256, 64 hex digits
 */
export async function rowsFingerprint(rows: readonly DatasetRow[]): Promise<string> {
  return hashJson(rows.map(({ image, question, thought, answer, split }) => [image, question, thought, answer, split]));
}
