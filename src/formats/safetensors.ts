// safetensors files as bytes <-> tensors. Must not know any model; tensors stay in their stored type until widened.

import { blobBytes } from '../base/blobBytes';
import { check, LorikeetError } from '../base/errors';
import { bfloat16ToFloat32, float16ToFloat32 } from './floats';
import { DTYPE_BYTES, headerLength, parseHeader } from './safetensorsHeader';
import type { SafeDtype, SafetensorsHeader } from './safetensorsHeader';

/** A tensor in its stored type, row-major, little-endian. `bytes` may be an unaligned view of the file. */
export interface SafeTensor {
  dtype: SafeDtype;
  shape: number[];
  bytes: Uint8Array;
}

const PREFIX_BYTES = 8;
/** Enough of a file to name what it is when it is not safetensors. */
const SNIFF_BYTES = 64;

/**
 * Reads a whole file held in memory.
 * @returns tensors as views of `bytes`, in the header's order
 * @throws LorikeetError `safetensors.*`, naming file, byte and tensor
 */
export function parseSafetensors(
  bytes: Uint8Array,
  fileName = 'model.safetensors',
): { tensors: Map<string, SafeTensor>; metadata: Record<string, string> } {
  const length = headerLength(bytes.subarray(0, SNIFF_BYTES), bytes.byteLength, fileName);
  const header = parseHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), bytes.byteLength, fileName);
  const tensors = new Map<string, SafeTensor>();
  for (const [name, { dtype, shape, start, end }] of header.tensors) {
    tensors.set(name, { dtype, shape, bytes: bytes.subarray(start, end) });
  }
  return { tensors, metadata: header.metadata };
}

/**
 * Reads only the header of a file that may be too large for memory; slice `blob` by the locations later.
 * @throws LorikeetError `safetensors.*`, or `file.read` when the file changed or vanished since it was chosen
 */
export async function readSafetensorsHeader(blob: Blob, name: string): Promise<SafetensorsHeader> {
  const prefix = await readBytes(blob, 0, Math.min(SNIFF_BYTES, blob.size), name);
  const length = headerLength(prefix, blob.size, name);
  const json = await readBytes(blob, PREFIX_BYTES, PREFIX_BYTES + length, name);
  return parseHeader(json, blob.size, name);
}

/**
 * Reads bytes [start, end) of a file.
 * @param memory to read into, as blobBytes takes it
 * @throws LorikeetError `file.read` when the browser can no longer read it
 */
export async function readBytes(
  blob: Blob,
  start: number,
  end: number,
  name: string,
  memory?: ArrayBuffer,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await blobBytes(blob.slice(start, end), memory);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LorikeetError(
      'file.read',
      `${name}: bytes ${start} to ${end} cannot be read: ${reason}`,
      'The file may have been changed, moved or deleted since it was chosen; choose it again.',
    );
  }
}

/**
 * Serialises tensors as the safetensors library does: larger element types first, then by name, header padded to
 * a multiple of 8, so that equal tensors give equal bytes.
 * @param tensors row-major little-endian bytes @throws safetensors.write when bytes do not fit the shape
 */
export function writeSafetensors(
  tensors: { name: string; dtype: SafeDtype; shape: number[]; bytes: Uint8Array }[],
  metadata?: Record<string, string>,
): Uint8Array<ArrayBuffer> {
  for (const { name, dtype, shape, bytes } of tensors) {
    const expected = bytesIn(dtype, shape);
    check(
      bytes.byteLength === expected,
      'safetensors.write',
      `tensor "${name}": ${dtype} (${shape.join(', ')}) needs ${expected} bytes, got ${bytes.byteLength}`,
    );
  }
  const { header, ordered, dataBytes } = safetensorsHeader(tensors, metadata);
  return assemble(header, ordered, dataBytes);
}

function bytesIn(dtype: SafeDtype, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
}

/**
 * The beginning of a file, up to its data, and the tensors in the order of their data.
 * @throws safetensors.write for a name that is reserved or used twice
 */
export function safetensorsHeader<T extends { name: string; dtype: SafeDtype; shape: number[] }>(
  tensors: readonly T[],
  metadata?: Record<string, string>,
): { header: Uint8Array<ArrayBuffer>; ordered: T[]; dataBytes: number } {
  const ordered = [...tensors].sort(
    (a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const entries: [string, unknown][] = metadata ? [['__metadata__', metadata]] : [];
  let dataBytes = 0;
  for (const [index, { name, dtype, shape }] of ordered.entries()) {
    const expected = bytesIn(dtype, shape);
    const taken = name === '__metadata__' || ordered[index - 1]?.name === name;
    check(!taken, 'safetensors.write', `tensor "${name}": the name is reserved or used twice`);
    entries.push([name, { dtype, shape, data_offsets: [dataBytes, dataBytes + expected] }]);
    dataBytes += expected;
  }
  // Joined by hand: an object literal would reorder integer-like names and lose `__proto__`.
  const json = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  return { header: framed(new TextEncoder().encode(json)), ordered, dataBytes };
}

/** The header's length, the header, and spaces up to a multiple of 8. */
function framed(json: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(PREFIX_BYTES + length);
  new DataView(header.buffer).setUint32(0, length, true);
  header.fill(0x20, PREFIX_BYTES + json.byteLength);
  header.set(json, PREFIX_BYTES);
  return header;
}

function assemble(header: Uint8Array, tensors: { bytes: Uint8Array }[], dataBytes: number): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(header.byteLength + dataBytes);
  file.set(header);
  let at = header.byteLength;
  for (const { bytes } of tensors) {
    file.set(bytes, at);
    at += bytes.byteLength;
  }
  return file;
}

/** 16-bit words of bytes; a copy only where a view of the file starts at an odd byte. */
function halves(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/**
 * F32, F16 or BF16 to f32; exact, since every F16 and BF16 value is an f32 value.
 * @returns a fresh array, never a view of the file @throws safetensors.dtype for other types
 */
export function widenToF32(tensor: SafeTensor): Float32Array<ArrayBuffer> {
  switch (tensor.dtype) {
    case 'F32':
      return new Float32Array(tensor.bytes.slice().buffer);
    case 'F16':
      return float16ToFloat32(halves(tensor.bytes));
    case 'BF16':
      return bfloat16ToFloat32(halves(tensor.bytes));
    default:
      throw new LorikeetError('safetensors.dtype', `cannot read ${tensor.dtype} as floats; expected F32, F16 or BF16`);
  }
}
