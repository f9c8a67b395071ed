// A model's weight files, single or sharded, opened by header and read tensor by tensor.
// Names are those of the files; must not know any architecture.

import { check, LorikeetError } from '../base/errors';
import { firstNonFinite } from './floats';
import { readBytes, readSafetensorsHeader } from './safetensors';
import type { SafeTensor } from './safetensors';
import { DTYPE_BYTES, type SafeDtype, type TensorLocation } from './safetensorsHeader';
import { INDEX, readIndex } from './weightIndex';

const SINGLE = 'model.safetensors';
const PICKLE = /\.(bin|pt|pth|ckpt|pkl)$/i;
const SAFETENSORS = /\.safetensors$/;
const LISTED = 20;

/** A remark on files that are there and are not read. */
export interface WeightNote {
  code: 'weights.leftAside' | 'weights.extraTensors' | 'weights.notWhole';
  message: string;
}

export interface WeightFiles {
  /** Names of the files that the tensors are read from. */
  files: readonly string[];
  /** Remarks for the user; empty for a folder that leaves no question open. */
  notes: readonly WeightNote[];
  names(): string[];
  has(name: string): boolean;
  /** @throws weights.tensorMissing */
  shape(name: string): number[];
  /** @throws weights.tensorMissing */
  dtype(name: string): SafeDtype;
  /** A whole tensor, for small ones; @throws weights.tensorMissing | weights.nonFinite | file.read */
  read(name: string): Promise<SafeTensor>;
  /** Bytes of a tensor's elements [from, to), row-major; throws as `read`. */
  readElements(name: string, from: number, to: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The tensors of the files that were chosen, and what is to be said of the choice. */
interface Opened {
  files: string[];
  tensors: Map<string, TensorLocation>;
  notes: WeightNote[];
}

/**
 * Opens the weights among a repository's files: `model.safetensors`, else the shards of its index, the order of
 * transformers (transformers/modeling_utils.py, _get_resolved_checkpoint_files); but the shards, where only they are
 * whole. Reads headers only.
 * @param files file name -> contents, names as in the repository
 * @throws LorikeetError `weights.*` or `safetensors.*`, naming the file
 */
export async function openWeights(files: Record<string, Blob>): Promise<WeightFiles> {
  const opened = await openChosen(files);
  const aside = leftAside(Object.keys(files), opened.files);
  return weightFiles(files, { ...opened, notes: [...aside, ...opened.notes] });
}

async function openChosen(files: Record<string, Blob>): Promise<Opened> {
  const single = fileOf(files, SINGLE);
  const stray = single && (await strayNote(files, single));
  if (single && !stray) {
    const { tensors } = await readSafetensorsHeader(single, SINGLE);
    return { files: [SINGLE], tensors, notes: [] };
  }
  const index = fileOf(files, INDEX);
  if (index) {
    const shards = await openShards(files, index);
    return { ...shards, notes: stray ? [stray, ...shards.notes] : shards.notes };
  }
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

/** Why a single file beside shards is not taken: it cannot be read, or lacks tensors of the index. Null: it is taken. */
async function strayNote(files: Record<string, Blob>, single: Blob): Promise<WeightNote | null> {
  const index = fileOf(files, INDEX);
  // An index without its files cannot take the single file's place.
  const shardOf = index && (await readIndex(index).catch(() => null));
  if (!shardOf || ![...shardOf.values()].every((shard) => Object.hasOwn(files, shard))) return null;
  try {
    const { tensors } = await readSafetensorsHeader(single, SINGLE);
    const missing = [...shardOf.keys()].filter((name) => !tensors.has(name));
    if (missing.length === 0) return null;
    const message = `${SINGLE} lacks ${missing.length} of the ${shardOf.size} tensors that ${INDEX} names: ${list(missing, 3)}.`;
    return { code: 'weights.notWhole', message };
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
    return { code: 'weights.notWhole', message: error.message };
  }
}

/** Says which set of weights is read where there is more than one. */
function leftAside(names: string[], read: string[]): WeightNote[] {
  const taken = read[0] === SINGLE ? SINGLE : `the ${read.length} files of ${INDEX}`;
  const unread = names.filter((name) => SAFETENSORS.test(name) && !read.includes(name)).sort();
  if (read[0] === SINGLE && names.includes(INDEX)) unread.unshift(INDEX);
  if (unread.length === 0) return [];
  const order = unread.includes(SINGLE) ? '' : ', as transformers does';
  const message = `The weights are read from ${taken}${order}. Left aside: ${list(unread)}.`;
  return [{ code: 'weights.leftAside', message }];
}

/** A file of exactly this name; `toString` is none. */
function fileOf(files: Record<string, Blob>, name: string): Blob | undefined {
  return Object.hasOwn(files, name) ? files[name] : undefined;
}

async function openShards(files: Record<string, Blob>, index: Blob): Promise<Opened> {
  const shardOf = await readIndex(index);
  const shards = [...new Set(shardOf.values())].sort();
  const missing = shards.filter((shard) => !Object.hasOwn(files, shard));
  check(
    missing.length === 0,
    'weights.shardMissing',
    `${INDEX} names ${shards.length} files, ${missing.length} of them missing: ${list(missing)}`,
    'Add the missing files; all must come from the same revision of the repository.',
  );
  const tensors = new Map<string, TensorLocation>();
  const extra: string[] = [];
  for (const shard of shards) {
    const header = await readSafetensorsHeader(files[shard]!, shard);
    for (const [name, location] of header.tensors) {
      const place = shardOf.get(name);
      if (place !== shard) extra.push(`"${name}" in ${shard}`);
      // One that the index does not name is loaded by transformers too; one that it places elsewhere is read there.
      if (place === undefined || place === shard) tensors.set(name, location);
    }
  }
  const absent = [...shardOf.keys()].filter((name) => !tensors.has(name));
  check(
    absent.length === 0,
    'weights.revision',
    `${INDEX} names ${absent.length} tensors that their files do not hold: ${list(absent)}`,
    'The files seem to come from different revisions; download the whole repository at one revision.',
  );
  return { files: shards, tensors, notes: extraTensors(extra) };
}

function extraTensors(extra: string[]): WeightNote[] {
  if (extra.length === 0) return [];
  const message = `Tensors that ${INDEX} does not name there: ${list(extra)}.`;
  return [{ code: 'weights.extraTensors', message }];
}

function weightFiles(files: Record<string, Blob>, { files: read, tensors, notes }: Opened): WeightFiles {
  const locate = (name: string): TensorLocation => {
    const location = tensors.get(name);
    check(
      location,
      'weights.tensorMissing',
      `${list(read)}: no tensor "${name}" (found ${tensors.size}, e.g. ${list([...tensors.keys()], 3)})`,
      notes.some(({ code }) => code === 'weights.leftAside')
        ? `There are other weights beside ${list(read)}: remove what is not this model's.`
        : 'The weights do not belong to this config.json, or the architecture is not supported.',
    );
    return location;
  };
  const readElements: WeightFiles['readElements'] = async (name, from, to) => {
    const { dtype, start, file } = locate(name);
    const size = DTYPE_BYTES[dtype];
    const bytes = await readBytes(files[file]!, start + from * size, start + to * size, file);
    const at = nonFiniteElement(dtype, bytes);
    check(
      at < 0,
      'weights.nonFinite',
      `${file}: tensor "${name}" (${dtype}) has NaN or infinity at element ${from + at}`,
      'The file is damaged or the training that made it diverged; use another checkpoint.',
    );
    return bytes;
  };
  return {
    files: read,
    notes,
    names: () => [...tensors.keys()],
    has: (name) => tensors.has(name),
    shape: (name) => locate(name).shape,
    dtype: (name) => locate(name).dtype,
    async read(name) {
      const { dtype, shape, start, end } = locate(name);
      return { dtype, shape, bytes: await readElements(name, 0, (end - start) / DTYPE_BYTES[dtype]) };
    },
    readElements,
  };
}

const EXPONENT_MASK: Partial<Record<SafeDtype, number>> = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 };

/** Index of the first element that is NaN or infinite, or -1. */
function nonFiniteElement(dtype: SafeDtype, { buffer, byteOffset, byteLength }: Uint8Array): number {
  const mask = EXPONENT_MASK[dtype];
  if (mask === undefined) return -1;
  const bits =
    dtype === 'F32'
      ? new Uint32Array(buffer, byteOffset, byteLength / 4)
      : new Uint16Array(buffer, byteOffset, byteLength / 2);
  return firstNonFinite(bits, mask);
}

function list(names: string[], limit = LISTED): string {
  return names.slice(0, limit).join(', ') + (names.length > limit ? `, and ${names.length - limit} more` : '');
}
