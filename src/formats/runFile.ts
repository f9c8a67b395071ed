// A run in one file: its checkpoint's tensors, its state and record as JSON, its log, and a SHA-256 of all of it; a
// valid safetensors file again. Must not know what record and log mean.

import { check, LorikeetError } from '../base/errors';
import { isJsonObject } from '../base/json';
import { CHECKPOINT_SCHEMA, floatTensors, METADATA_KEY, readFloats, readOurMetadata } from './checkpoint';
import type { Checkpoint } from './checkpoint';
import { writeExactJson } from './exactJson';
import { parseSafetensors, writeSafetensors } from './safetensors';
import type { SafeTensor } from './safetensors';

/** Larger files do not fit a tab's memory twice. */
export const MAX_RUN_FILE_BYTES = 2 ** 31 - 1;

const LOG = '~log';
const BEST = '~best';
/** The last of the U8 tensors in order of name, so that its bytes end the file. */
const DIGEST = '~sha256';
const DIGEST_BYTES = 32;

export interface RunFile {
  checkpoint: Checkpoint;
  /** JSON values: the run's record and what else the file's readers need. */
  about: Record<string, unknown>;
  /** Gzipped lines. */
  log: Uint8Array<ArrayBuffer>;
  /** A whole checkpoint file: the best one, when it is not the newest. */
  best?: Uint8Array<ArrayBuffer>;
}

function bytesTensor(name: string, bytes: Uint8Array) {
  return { name, dtype: 'U8' as const, shape: [bytes.byteLength], bytes };
}

async function digestOf(file: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', file.subarray(0, file.byteLength - DIGEST_BYTES)));
}

/**
 * The file's bytes.
 * @throws json.value, checkpoint.value; runFile.tooLarge when no browser could read it again
 */
export async function encodeRunFile({ checkpoint, about, log, best }: RunFile): Promise<Uint8Array<ArrayBuffer>> {
  const { state, tensors } = checkpoint;
  const json = writeExactJson({ kind: 'run', schema: CHECKPOINT_SCHEMA, about, state }, 'run');
  const parts = [bytesTensor(LOG, log), bytesTensor(DIGEST, new Uint8Array(DIGEST_BYTES))];
  if (best) parts.push(bytesTensor(BEST, best));
  const file = writeSafetensors([...floatTensors(tensors), ...parts], { [METADATA_KEY]: json });
  checkSize(file, 'the run file');
  file.set(await digestOf(file), file.byteLength - DIGEST_BYTES);
  return file;
}

function checkSize(file: Uint8Array, name: string): void {
  const message = `${name}: ${file.byteLength} bytes; a run file may have up to ${MAX_RUN_FILE_BYTES}`;
  check(file.byteLength <= MAX_RUN_FILE_BYTES, 'runFile.tooLarge', message);
}

/** Whether a file that cannot be parsed was one of ours: its metadata comes first, in plain text. */
function looksLikeOurs(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 256)).includes(`"${METADATA_KEY}"`);
}

function foreign(name: string, found: string): LorikeetError {
  const message = `${name}: ${found}; expected a run that Lorikeet exported`;
  return new LorikeetError('runFile.foreign', message, 'Choose the file that "Export run" wrote (.safetensors).');
}

const AGAIN = 'Copy the file again from where it was exported, or export it again. Nothing was stored.';

function broken(message: string): LorikeetError {
  return new LorikeetError('runFile.broken', message, AGAIN);
}

function parse(bytes: Uint8Array, name: string): ReturnType<typeof parseSafetensors> {
  try {
    return parseSafetensors(bytes, name);
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
    if (looksLikeOurs(bytes)) throw broken(error.message);
    throw foreign(name, `it is not a safetensors file (${error.message})`);
  }
}

async function checkDigest(bytes: Uint8Array<ArrayBuffer>, digest: SafeTensor, name: string): Promise<void> {
  const inPlace =
    digest.dtype === 'U8' &&
    digest.bytes.byteLength === DIGEST_BYTES &&
    digest.bytes.byteOffset + DIGEST_BYTES === bytes.byteOffset + bytes.byteLength;
  if (!inPlace) throw broken(`${name}: tensor "${DIGEST}" is not the last 32 bytes of the file`);
  const expected = await digestOf(bytes);
  const same = digest.bytes.every((byte, i) => byte === expected[i]);
  if (!same) throw broken(`${name}: its content does not match the SHA-256 that ends it: it was changed or damaged`);
}

function takeBytes(tensors: Map<string, SafeTensor>, name: string): Uint8Array<ArrayBuffer> | undefined {
  const tensor = tensors.get(name);
  tensors.delete(name);
  return tensor?.bytes.slice();
}

/**
 * Reads a file from outside; `name` is its name in errors. The caller has yet to check `about` and the log.
 * @throws runFile.foreign (another kind of file), checkpoint.newer, runFile.broken (cut, changed, damaged),
 *   runFile.tooLarge, checkpoint.broken (its tensors)
 */
export async function decodeRunFile(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<RunFile> {
  checkSize(bytes, name);
  const { tensors, metadata } = parse(bytes, name);
  const text = metadata[METADATA_KEY];
  if (text === undefined) throw foreign(name, `its metadata has no entry "${METADATA_KEY}"`);
  const { kind, about, state } = readOurMetadata(text, name, 'runFile.broken');
  const digest = tensors.get(DIGEST);
  if (!digest)
    throw kind === 'run' ? broken(`${name}: tensor "${DIGEST}" is missing`) : foreign(name, `it is a ${String(kind)}`);
  await checkDigest(bytes, digest, name);
  if (kind !== 'run') throw foreign(name, `it is of the kind ${JSON.stringify(kind)}`);
  tensors.delete(DIGEST);
  const log = takeBytes(tensors, LOG);
  const best = takeBytes(tensors, BEST);
  if (!log || !isJsonObject(about) || !isJsonObject(state)) throw broken(`${name}: log, record or state is missing`);
  return { checkpoint: { state, tensors: readFloats(tensors, name) }, about, log, ...(best ? { best } : {}) };
}
