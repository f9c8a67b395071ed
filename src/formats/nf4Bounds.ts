// Blocks on which a quantizer to NF4 shows whether it rounds to the bit.

import { STREAM, streamKey, uniformArray } from '../base/random';
import { NF4_BLOCK, NF4_LEVELS } from './nf4';

/** Neighbours of an f32: `steps` units in the last place away. */
function step(value: number, steps: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer);
  bits[0]! += steps;
  return new Float32Array(bits.buffer)[0]!;
}

/**
 * Blocks whose maximum has any mantissa and whose other values lie within three units around the places where the
 * code changes.
 * @param exponent maxima lie from 2^exponent to 2^(exponent + 1)
 */
export function blocksAroundBounds(blocks: number, exponent: number): Float32Array<ArrayBuffer> {
  const mantissas = uniformArray(blocks, 1, 2, streamKey(11, STREAM.init));
  const out = new Float32Array(blocks * NF4_BLOCK);
  for (let block = 0; block < blocks; block++) {
    const top = Math.fround(mantissas[block]! * 2 ** exponent);
    for (let i = 0; i < NF4_BLOCK - 1; i++) {
      const bound = Math.fround((NF4_LEVELS[i % 15]! + NF4_LEVELS[(i % 15) + 1]!) / 2);
      out[block * NF4_BLOCK + i] = step(Math.fround(bound * top), ((block + i) % 7) - 3);
    }
    out[block * NF4_BLOCK + NF4_BLOCK - 1] = block % 2 ? -top : top;
  }
  return out;
}
