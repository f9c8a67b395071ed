// A checkpoint as bytes: a safetensors file of F32 tensors whose metadata entry `lorikeet` holds JSON. Must not know
// what the state means nor where the bytes are kept.

import { check, LorikeetError } from '../base/errors';
import { bytesOf } from '../base/bytes';
import { isJsonObject } from '../base/json';
import { readExactJson, writeExactJson } from './exactJson';
import { parseSafetensors, widenToF32, writeSafetensors } from './safetensors';
import type { SafeTensor } from './safetensors';

/** Raised when older versions could not read what is written. */
export const CHECKPOINT_SCHEMA = 1;

/** The metadata entry of every file of ours. */
export const METADATA_KEY = 'lorikeet';

/** Names that start so are taken by the one-file form of a run. */
export const RESERVED_PREFIX = '~';

export interface Checkpoint {
  /** JSON values, as its writer left them. */
  state: Record<string, unknown>;
  tensors: Map<string, Float32Array>;
}

type WritableTensor = Parameters<typeof writeSafetensors>[0][number];

/** @param first place of the values within the tensor @throws `code`, naming the element */
export function checkFinite(values: Float32Array, code: string, what: string, first = 0): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  check(at < 0, code, `${what}: element ${first + at} is ${values[at]}; expected finite numbers`);
}

/** @throws checkpoint.value for a name that the one-file form of a run takes for itself */
export function checkTensorName(name: string): void {
  const reserved = name.startsWith(RESERVED_PREFIX);
  check(!reserved, 'checkpoint.value', `tensor "${name}": names must not start with "${RESERVED_PREFIX}"`);
}

/** The metadata entry of a checkpoint with this state. @throws json.value */
export function checkpointJson(state: Record<string, unknown>): string {
  return writeExactJson({ kind: 'checkpoint', schema: CHECKPOINT_SCHEMA, state }, 'checkpoint');
}

/**
 * Tensors in the form that the safetensors writer takes, as rows of F32.
 * @throws checkpoint.value for NaN, an infinity or a reserved name, naming tensor and element
 */
export function floatTensors(tensors: Map<string, Float32Array>): WritableTensor[] {
  return [...tensors].map(([name, values]) => {
    checkTensorName(name);
    checkFinite(values, 'checkpoint.value', `tensor "${name}"`);
    return { name, dtype: 'F32' as const, shape: [values.length], bytes: bytesOf(values) };
  });
}

/**
 * The values of F32 tensors, each a fresh array.
 * @throws checkpoint.broken for another dtype, NaN or an infinity, naming file and tensor
 */
export function readFloats(tensors: Map<string, SafeTensor>, source: string): Map<string, Float32Array> {
  const out = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) {
    const what = `${source}: tensor "${name}"`;
    check(tensor.dtype === 'F32', 'checkpoint.broken', `${what}: dtype is ${tensor.dtype}; expected F32`);
    const values = widenToF32(tensor);
    checkFinite(values, 'checkpoint.broken', what);
    out.set(name, values);
  }
  return out;
}

/**
 * The JSON of a file of ours.
 * @param broken code for what cannot be read
 * @throws checkpoint.newer for a schema above ours; `broken` for anything else that is wrong
 */
export function readOurMetadata(text: string, source: string, broken: string): Record<string, unknown> {
  const where = `${source}: metadata entry "${METADATA_KEY}"`;
  let value: unknown;
  try {
    value = readExactJson(text);
  } catch (error) {
    throw new LorikeetError(broken, `${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
  check(isJsonObject(value), broken, `${where}: expected an object`);
  const { schema } = value;
  const valid = typeof schema === 'number' && Number.isSafeInteger(schema) && schema > 0;
  check(valid, broken, `${where}: schema must be a whole number from 1 up, found ${JSON.stringify(schema)}`);
  check(
    schema <= CHECKPOINT_SCHEMA,
    'checkpoint.newer',
    `${source}: it has schema ${schema}, and this version of Lorikeet reads up to ${CHECKPOINT_SCHEMA}; it is kept`,
    'Reload the page to get the newer version of Lorikeet, then go on.',
  );
  return value;
}

/**
 * A checkpoint's file; equal content gives equal bytes, and every number comes back with its bits.
 * @throws json.value (NaN, infinities and other things that JSON cannot hold, by their place in the state);
 *   checkpoint.value (NaN, infinities or a reserved name among the tensors)
 */
export function encodeCheckpoint({ state, tensors }: Checkpoint): Uint8Array<ArrayBuffer> {
  return writeSafetensors(floatTensors(tensors), { [METADATA_KEY]: checkpointJson(state) });
}

/**
 * Reads a checkpoint's file; `source` names it in errors. Tensors come in order of name.
 * @throws checkpoint.newer (a schema above ours); checkpoint.broken naming byte, tensor or entry
 */
export function decodeCheckpoint(bytes: Uint8Array, source: string): Checkpoint {
  const { tensors, metadata } = parseOrBroken(bytes, source);
  return { state: readCheckpointState(metadata, source), tensors: readFloats(tensors, source) };
}

/** The state in a checkpoint's metadata. @throws checkpoint.newer, checkpoint.broken */
export function readCheckpointState(metadata: Record<string, string>, source: string): Record<string, unknown> {
  const text = metadata[METADATA_KEY];
  check(text !== undefined, 'checkpoint.broken', `${source}: the metadata has no entry "${METADATA_KEY}"`);
  const { kind, state } = readOurMetadata(text, source, 'checkpoint.broken');
  const found = JSON.stringify(kind);
  check(kind === 'checkpoint', 'checkpoint.broken', `${source}: it is of the kind ${found}; expected "checkpoint"`);
  check(
    isJsonObject(state),
    'checkpoint.broken',
    `${source}: metadata entry "${METADATA_KEY}": state is not an object`,
  );
  return state;
}

function parseOrBroken(bytes: Uint8Array, source: string): ReturnType<typeof parseSafetensors> {
  try {
    return parseSafetensors(bytes, source);
  } catch (error) {
    return throwBroken(error);
  }
}

/** What a checkpoint's reader makes of an error of the file's: the file's own hints speak of downloads. @throws always */
export function throwBroken(error: unknown): never {
  if (error instanceof LorikeetError) throw new LorikeetError('checkpoint.broken', error.message);
  throw error;
}
