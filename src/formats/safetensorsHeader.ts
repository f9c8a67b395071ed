// Reads and validates the JSON header of a safetensors file. Must not touch tensor bytes.
// Format: u64 little-endian header length, UTF-8 JSON, then the tensors' bytes without holes.
// Source: github.com/huggingface/safetensors, README "Format".

import { check, LorikeetError } from '../base/errors';
import { findDuplicateKey, isJsonObject } from '../base/json';

/** Bytes per element by dtype name; other names are refused. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;
export type SafeDtype = keyof typeof DTYPE_BYTES;

/** Where a tensor lies: bytes [start, end) of `file`, row-major. */
export interface TensorLocation {
  dtype: SafeDtype;
  shape: number[];
  start: number;
  end: number;
  file: string;
}

export interface SafetensorsHeader {
  tensors: Map<string, TensorLocation>;
  metadata: Record<string, string>;
}

const PREFIX_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;
const AGAIN = 'Download the file again; its size should be the one shown where it came from.';

/** Says what a file that is not safetensors seems to be, from its first bytes; null when nothing is recognised. */
function recogniseImpostor(head: Uint8Array): string | null {
  // Any first bytes may be a header's length; what follows it settles the question.
  if (head[8] === 0x7b) return null;
  const text = new TextDecoder('latin1').decode(head.subarray(0, 64));
  if (text.startsWith('version https://git-lfs')) return 'a git-LFS pointer, not the weights themselves';
  if (/^\s*(<!doctype|<html|<\?xml)/i.test(text)) return 'an HTML page, perhaps an error page saved under this name';
  const [first, version = 0] = head;
  const pickled = first === 0x80 && version >= 2 && version <= 5;
  if (text.startsWith('PK\x03\x04') || pickled) return 'a PyTorch pickle file';
  if (text.startsWith('GGUF')) return 'a GGUF file';
  return null;
}

/**
 * Length of the JSON header.
 * @param prefix the file's first bytes (8, or more so that other formats can be named)
 * @param fileBytes size of the whole file in bytes
 * @throws safetensors.format | safetensors.truncated | safetensors.header
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, file: string): number {
  const impostor = recogniseImpostor(prefix);
  check(
    impostor === null,
    'safetensors.format',
    `${file}: this is ${impostor}; expected a safetensors file`,
    'Use the model.safetensors of the repository, downloaded whole (for git: `git lfs pull`).',
  );
  check(
    fileBytes >= PREFIX_BYTES && prefix.byteLength >= PREFIX_BYTES,
    'safetensors.truncated',
    `${file}: ${fileBytes} bytes, but a safetensors file starts with 8 bytes of header length`,
    AGAIN,
  );
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  check(length > 0, 'safetensors.header', `${file}: byte 0: the header length is 0`, AGAIN);
  check(
    length <= MAX_HEADER_BYTES,
    'safetensors.header',
    `${file}: byte 0: the header length is ${length}, above the limit of ${MAX_HEADER_BYTES} bytes`,
    'This is probably not a safetensors file.',
  );
  check(
    PREFIX_BYTES + length <= fileBytes,
    'safetensors.truncated',
    `${file}: the header ends at byte ${PREFIX_BYTES + length}, but the file has ${fileBytes} bytes`,
    AGAIN,
  );
  return length;
}

/**
 * Parses and validates the header.
 * @param json the header's bytes (without the 8 bytes of length) @param fileBytes size of the whole file
 * @returns tensors in file order of the header, offsets absolute in the file
 * @throws safetensors.header | safetensors.tensor | safetensors.offsets | safetensors.truncated
 */
export function parseHeader(json: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  const record = headerObject(json, file);
  const dataStart = PREFIX_BYTES + json.byteLength;
  const tensors = new Map<string, TensorLocation>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(record)) {
    if (name === '__metadata__') metadata = parseMetadata(value, file);
    else tensors.set(name, parseEntry(name, value, dataStart, file));
  }
  checkOffsets(tensors, dataStart, fileBytes, file);
  return { tensors, metadata };
}

function headerObject(json: Uint8Array, file: string): object {
  check(json[0] === 0x7b, 'safetensors.header', `${file}: byte 8: the header does not start with "{"`, AGAIN);
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw new LorikeetError('safetensors.header', `${file}: the header is not valid UTF-8`, AGAIN);
  }
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LorikeetError('safetensors.header', `${file}: the header is not valid JSON: ${reason}`, AGAIN);
  }
  const duplicate = findDuplicateKey(text);
  check(duplicate === null, 'safetensors.header', `${file}: the name "${duplicate}" occurs twice in the header`, AGAIN);
  return value as object;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  const valid = isJsonObject(value) && Object.values(value).every((entry) => typeof entry === 'string');
  check(valid, 'safetensors.header', `${file}: __metadata__ must map strings to strings`, AGAIN);
  return Object.assign(Object.create(null) as Record<string, string>, value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parseEntry(name: string, value: unknown, dataStart: number, file: string): TensorLocation {
  const where = `${file}: tensor "${name}"`;
  check(
    isJsonObject(value),
    'safetensors.tensor',
    `${where}: expected an object, found ${JSON.stringify(value)}`,
    AGAIN,
  );
  const { dtype, shape, data_offsets: offsets } = value;
  check(
    typeof dtype === 'string' && Object.hasOwn(DTYPE_BYTES, dtype),
    'safetensors.tensor',
    `${where}: unknown dtype ${JSON.stringify(dtype)}; known: ${Object.keys(DTYPE_BYTES).join(', ')}`,
  );
  check(
    Array.isArray(shape) && shape.every(isCount),
    'safetensors.tensor',
    `${where}: shape must be a list of whole numbers from 0 up, found ${JSON.stringify(shape)}`,
    AGAIN,
  );
  const ends: unknown[] = Array.isArray(offsets) ? offsets : [];
  const [begin, end] = ends;
  check(
    ends.length === 2 && isCount(begin) && isCount(end) && begin <= end,
    'safetensors.offsets',
    `${where}: data_offsets must be [begin, end], whole numbers with 0 <= begin <= end, found ${JSON.stringify(offsets)}`,
    AGAIN,
  );
  const bytes = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype as SafeDtype]);
  check(
    Number.isSafeInteger(bytes) && bytes === end - begin,
    'safetensors.tensor',
    `${where}: ${dtype} (${shape.join(', ')}) needs ${bytes} bytes, but its offsets [${begin}, ${end}] hold ${end - begin}`,
    AGAIN,
  );
  return { dtype: dtype as SafeDtype, shape, start: dataStart + begin, end: dataStart + end, file };
}

function checkOffsets(tensors: Map<string, TensorLocation>, dataStart: number, fileBytes: number, file: string): void {
  const ordered = [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let reached = dataStart;
  let before = 'the header';
  for (const [name, { start, end }] of ordered) {
    check(
      start === reached,
      'safetensors.offsets',
      `${file}: tensor "${name}" starts at byte ${start}, but ${before} ends at byte ${reached}: ` +
        (start > reached ? 'there is a hole between them' : 'they overlap'),
      AGAIN,
    );
    check(
      end <= fileBytes,
      'safetensors.truncated',
      `${file}: tensor "${name}" ends at byte ${end}, but the file has ${fileBytes} bytes`,
      AGAIN,
    );
    reached = end;
    before = `tensor "${name}"`;
  }
  check(
    reached === fileBytes,
    'safetensors.offsets',
    `${file}: ${fileBytes - reached} unexpected bytes after ${before}, from byte ${reached} on`,
    AGAIN,
  );
}
