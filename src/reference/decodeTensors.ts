// Safetensors bytes -> tensors of a reference folder. Must not know where the bytes come from.

import { check } from '../base/errors';
import { parseSafetensors, widenToF32 } from '../formats/safetensors';
import type { ReferenceTensor } from './types';

/**
 * Decodes a whole safetensors file: F32, F16 and BF16 to float32 (exact), I32 to int32, U8 as stored.
 * @param bytes the file @param fileName for messages
 * @returns fresh arrays, row-major, never views of the file
 * @throws reference.dtype for any other type, and the errors of parseSafetensors
 */
export function decodeTensors(bytes: Uint8Array, fileName: string): Map<string, ReferenceTensor> {
  const out = new Map<string, ReferenceTensor>();
  for (const [name, tensor] of parseSafetensors(bytes, fileName).tensors) {
    const { dtype, shape } = tensor;
    if (dtype === 'U8') {
      out.set(name, { shape, data: tensor.bytes.slice() });
    } else if (dtype === 'I32') {
      // A copy starts at byte 0 of its own buffer, which arrays of wider elements need.
      out.set(name, { shape, data: new Int32Array(tensor.bytes.slice().buffer) });
    } else {
      const isFloat = dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
      check(isFloat, 'reference.dtype', `${fileName}: tensor ${name} is ${dtype}, expected F32, F16, BF16, I32 or U8`);
      out.set(name, { shape, data: widenToF32(tensor) });
    }
  }
  return out;
}
