// One piece of a tensor from the file's type to the bytes of a storage type, on the CPU. A piece is a few megabytes.

import { bytesOf } from '../base/bytes';
import { check } from '../base/errors';
import { float32ToBfloat16, float32ToFloat16, firstNonFinite } from '../formats/floats';
import { widenToF32 } from '../formats/safetensors';
import type { SafeDtype } from '../formats/safetensorsHeader';
import type { WeightStorage } from '../ops/matmul';
import { STORED } from './baseStorage';

/** Bytes of a file that are read at once. Two pieces may be under way: one is read while the other goes to the GPU. */
export const PIECE_BYTES = 8 * 2 ** 20;

/**
 * Frees the memory of bytes that own all of their buffer, now: left to the garbage collector, hundreds of megabytes of
 * pieces gather in the page's process before it looks.
 */
export function discard({ buffer, byteLength }: Uint8Array<ArrayBuffer>): void {
  if (byteLength === 0 || byteLength !== buffer.byteLength) return;
  // ECMAScript 2024; older engines collect it some time.
  (buffer as { transfer?: (bytes: number) => ArrayBuffer }).transfer?.(0);
}

export interface Piece {
  dtype: SafeDtype;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Values of a piece. @throws safetensors.dtype */
export function valuesOf({ dtype, bytes }: Piece): Float32Array<ArrayBuffer> {
  return widenToF32({ dtype, shape: [], bytes });
}

const F16_EXPONENT = 0x7c00;

/**
 * A piece's bytes in the given type, rounded to the nearest where that has fewer digits.
 * @param name of the tensor, for errors @throws safetensors.dtype, weights.range
 */
export function convertPiece(
  name: string,
  piece: Piece,
  storage: Exclude<WeightStorage, 'nf4'>,
): Uint8Array<ArrayBuffer> {
  if (STORED[piece.dtype] === storage) return piece.bytes;
  const values = valuesOf(piece);
  switch (storage) {
    case 'f32':
      return bytesOf(values);
    case 'bf16': {
      const bits = float32ToBfloat16(values);
      discard(bytesOf(values));
      return bytesOf(bits);
    }
    case 'f16': {
      const bits = float32ToFloat16(values);
      const at = firstNonFinite(bits, F16_EXPONENT);
      check(
        at < 0,
        'weights.range',
        `tensor ${name} holds ${values[at]}, float16 ends at 65504`,
        'Set dtype to "auto" or "bfloat16".',
      );
      discard(bytesOf(values));
      return bytesOf(bits);
    }
    default:
      return storage satisfies never;
  }
}
