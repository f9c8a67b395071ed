// A model's weight files, single or sharded, opened by header and read tensor by tensor.
// Names are those of the files; must not know any architecture.

import { check, LorikeetError } from '../base/errors';
import { firstNonFinite } from './floats';
import { readBytes, readSafetensorsHeader } from './safetensors';
import type { SafeTensor } from './safetensors';
import type { SafeDtype, TensorLocation } from './safetensorsHeader';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const PICKLE = /\.(bin|pt|pth|ckpt|pkl)$/i;
const SHARD = /^model-\d+-of-\d+\.safetensors$/;
const MAX_INDEX_BYTES = 64 * 2 ** 20;
const LISTED = 20;

export interface WeightFiles {
  names(): string[];
  has(name: string): boolean;
  /** @throws weights.tensorMissing */
  shape(name: string): number[];
  /** @throws weights.tensorMissing */
  dtype(name: string): SafeDtype;
  /** Bytes of one tensor; @throws weights.tensorMissing | weights.nonFinite | file.read */
  read(name: string): Promise<SafeTensor>;
}

/**
 * Opens the weights among a repository's files: `model.safetensors`, else the shards of its index.
 * Reads headers only.
 * @param files file name -> contents, names as in the repository
 * @throws LorikeetError `weights.*` or `safetensors.*`, naming the file
 */
export async function openWeights(files: Record<string, Blob>): Promise<WeightFiles> {
  const single = fileOf(files, SINGLE);
  if (single) {
    const { tensors } = await readSafetensorsHeader(single, SINGLE);
    return weightFiles(files, tensors);
  }
  const index = fileOf(files, INDEX);
  if (index) return weightFiles(files, await openShards(files, index));
  const names = Object.keys(files);
  const pickle = names.find((name) => PICKLE.test(name));
  check(
    pickle === undefined,
    'weights.pickle',
    `${pickle}: pickle files can run code when opened and are refused; expected ${SINGLE} or ${INDEX}`,
    'Use the safetensors files of the same repository, or convert with save_pretrained(..., safe_serialization=True).',
  );
  throw new LorikeetError(
    'weights.missing',
    `no weights found: expected ${SINGLE} or ${INDEX} with its shards, found ${list(names) || 'no files'}`,
    'Choose the whole model folder.',
  );
}

/** A file of exactly this name; `toString` is none. */
function fileOf(files: Record<string, Blob>, name: string): Blob | undefined {
  return Object.hasOwn(files, name) ? files[name] : undefined;
}

async function openShards(files: Record<string, Blob>, index: Blob): Promise<Map<string, TensorLocation>> {
  const shardOf = await readIndex(index);
  const shards = [...new Set(shardOf.values())].sort();
  const missing = shards.filter((shard) => !Object.hasOwn(files, shard));
  check(
    missing.length === 0,
    'weights.shardMissing',
    `${INDEX} names ${shards.length} files, ${missing.length} of them missing: ${list(missing)}`,
    'Add the missing files; all must come from the same revision of the repository.',
  );
  const extra = Object.keys(files).filter((name) => SHARD.test(name) && !shards.includes(name));
  check(
    extra.length === 0,
    'weights.shardExtra',
    `files that ${INDEX} does not name: ${list(extra)}`,
    'Remove them, or take the index of the revision that they belong to.',
  );
  const tensors = new Map<string, TensorLocation>();
  for (const shard of shards) {
    const header = await readSafetensorsHeader(files[shard]!, shard);
    for (const [name, location] of header.tensors) {
      check(shardOf.get(name) === shard, 'weights.revision', misplaced(shard, name, shardOf.get(name)), REVISION_HINT);
      tensors.set(name, location);
    }
  }
  const absent = [...shardOf.keys()].filter((name) => !tensors.has(name));
  check(
    absent.length === 0,
    'weights.revision',
    `${INDEX} names ${absent.length} tensors that their files do not hold: ${list(absent)}`,
    REVISION_HINT,
  );
  return tensors;
}

const REVISION_HINT = 'The files seem to come from different revisions; download the whole repository at one revision.';

function misplaced(shard: string, name: string, expected: string | undefined): string {
  return `${shard}: holds tensor "${name}", which ${INDEX} ${expected ? `expects in ${expected}` : 'does not name'}`;
}

async function readIndex(blob: Blob): Promise<Map<string, string>> {
  check(blob.size <= MAX_INDEX_BYTES, 'weights.index', `${INDEX}: ${blob.size} bytes, above the limit of 64 MiB`);
  let value: unknown;
  try {
    const bytes = await readBytes(blob, 0, blob.size, INDEX);
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    throw new LorikeetError('weights.index', `${INDEX}: not valid JSON: ${String(error)}`, 'Download it again.');
  }
  const map = typeof value === 'object' && value !== null ? (value as { weight_map?: unknown }).weight_map : undefined;
  check(
    typeof map === 'object' && map !== null && !Array.isArray(map) && Object.keys(map).length > 0,
    'weights.index',
    `${INDEX}: expected an object "weight_map" from tensor names to file names`,
    'Download it again.',
  );
  for (const [name, file] of Object.entries(map)) {
    check(
      typeof file === 'string' && /^[^/\\%]+\.safetensors$/.test(file) && !file.includes('..'),
      'weights.index',
      `${INDEX}: tensor "${name}" lies in ${JSON.stringify(file)}; expected the plain name of a safetensors file`,
      'Paths that leave the folder are refused; use the index of the original repository.',
    );
  }
  return new Map(Object.entries(map as Record<string, string>));
}

function weightFiles(files: Record<string, Blob>, tensors: Map<string, TensorLocation>): WeightFiles {
  const locate = (name: string): TensorLocation => {
    const location = tensors.get(name);
    check(
      location,
      'weights.tensorMissing',
      `the weight files have no tensor "${name}" (they hold ${tensors.size}, e.g. ${list([...tensors.keys()], 3)})`,
      'The weights do not belong to this config.json, or the architecture is not supported.',
    );
    return location;
  };
  return {
    names: () => [...tensors.keys()],
    has: (name) => tensors.has(name),
    shape: (name) => locate(name).shape,
    dtype: (name) => locate(name).dtype,
    read: async (name) => {
      const { dtype, shape, start, end, file } = locate(name);
      const tensor = { dtype, shape, bytes: await readBytes(files[file]!, start, end, file) };
      checkFinite(name, tensor, file);
      return tensor;
    },
  };
}

const EXPONENT_MASK: Partial<Record<SafeDtype, number>> = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 };

function checkFinite(name: string, tensor: SafeTensor, file: string): void {
  const mask = EXPONENT_MASK[tensor.dtype];
  if (mask === undefined) return;
  const { buffer, byteOffset, byteLength } = tensor.bytes;
  const bits =
    tensor.dtype === 'F32'
      ? new Uint32Array(buffer, byteOffset, byteLength / 4)
      : new Uint16Array(buffer, byteOffset, byteLength / 2);
  const at = firstNonFinite(bits, mask);
  check(
    at < 0,
    'weights.nonFinite',
    `${file}: tensor "${name}" (${tensor.dtype}) has NaN or infinity at element ${at}`,
    'The file is damaged or the training that made it diverged; use another checkpoint.',
  );
}

function list(names: string[], limit = LISTED): string {
  return names.slice(0, limit).join(', ') + (names.length > limit ? `, and ${names.length - limit} more` : '');
}
