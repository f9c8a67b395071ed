// Brings tensors from the GPU to the host, in pieces: the buffers in between stay small whatever is read.

import type { Ledger } from './memory';
import type { Command } from './submitter';
import { elementCount, perTensor, type PerTensor, type Tensor } from './tensor';

/** Bytes that are mapped at once. */
const PIECE_BYTES = 16 * 2 ** 20;

type Copy = Command & { type: 'copy' };

/** A tensor, or a part of one: `shape` is the part's. */
export interface Readable extends Tensor {
  /** Elements of the buffer before the part; 0 by default. */
  firstElement?: number;
}

/** A part of a tensor on its way: `at` in the mapped buffer, `fromByte` in the tensor. */
interface Piece {
  tensor: number;
  fromByte: number;
  at: number;
  bytes: number;
}

/** Pieces of tensors of these sizes, gathered so that each list fits in one buffer. */
function gather(sizes: readonly number[]): Piece[][] {
  const out: Piece[][] = [[]];
  let at = 0;
  sizes.forEach((size, tensor) => {
    for (let fromByte = 0; fromByte < size;) {
      if (at === PIECE_BYTES) {
        out.push([]);
        at = 0;
      }
      const bytes = Math.min(size - fromByte, PIECE_BYTES - at);
      out.at(-1)!.push({ tensor, fromByte, at, bytes });
      at += bytes;
      fromByte += bytes;
    }
  });
  return out;
}

/** @returns reads tensors; `submit` is given the copies to make and resolves when they have been submitted */
export function createReader(ledger: Ledger) {
  return async <T extends readonly Readable[]>(
    tensors: T,
    submit: (copies: Copy[]) => Promise<void>,
  ): Promise<PerTensor<T, ArrayBuffer>> => {
    const out = perTensor(tensors, ({ shape }) => new ArrayBuffer(elementCount(shape) * 4));
    for (const pieces of gather(out.map(({ byteLength }) => byteLength))) {
      const size = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
      const target = ledger.create('staging', {
        size: Math.max(4, size),
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      try {
        await submit(
          pieces.map(({ tensor, fromByte, at, bytes }) => {
            const { buffer: from, firstElement = 0 } = tensors[tensor]!;
            return { type: 'copy', from, fromByte: firstElement * 4 + fromByte, to: target, toByte: at, bytes };
          }),
        );
        await target.mapAsync(GPUMapMode.READ);
        const mapped = target.getMappedRange();
        for (const { tensor, fromByte, at, bytes } of pieces) {
          new Uint8Array(out[tensor]!, fromByte, bytes).set(new Uint8Array(mapped, at, bytes));
        }
      } finally {
        ledger.release(target);
        ledger.destroy(target);
      }
    }
    return out;
  };
}
