// A checkpoint as a stream: written in pieces from wherever its tensors lie, and read back a tensor's piece at a time. The
// file is that of checkpoint.ts, byte for byte.

import { bytesOf } from '../base/bytes';
import { check } from '../base/errors';
import { PIECE_BYTES, type FilePieces } from '../base/filePieces';
import { PIECE_NUMBERS, type FloatSource } from '../base/floatSource';
import {
  checkFinite,
  checkpointJson,
  checkTensorName,
  METADATA_KEY,
  readCheckpointState,
  throwBroken,
} from './checkpoint';
import { readBytes, readSafetensorsHeader, safetensorsHeader } from './safetensors';
import type { TensorLocation } from './safetensorsHeader';

/** A checkpoint whose tensors are read when they are needed. */
export interface CheckpointStream {
  /** JSON values, as their writer left them. */
  state: Record<string, unknown>;
  tensors: Map<string, FloatSource>;
}

/** Fills pieces of one size from parts of any size. */
async function* joined(parts: AsyncIterable<Uint8Array>, total: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = total;
  const fresh = (): Uint8Array<ArrayBuffer> => new Uint8Array(Math.min(PIECE_BYTES, left));
  let piece = fresh();
  let filled = 0;
  for await (const part of parts) {
    for (let at = 0; at < part.byteLength;) {
      const taken = part.subarray(at, at + piece.byteLength - filled);
      piece.set(taken, filled);
      filled += taken.byteLength;
      at += taken.byteLength;
      if (filled < piece.byteLength) continue;
      yield piece;
      left -= filled;
      piece = fresh();
      filled = 0;
    }
  }
}

/**
 * A checkpoint's file in pieces: the bytes of encodeCheckpoint, with one piece in memory at a time.
 * @throws json.value, checkpoint.value for a reserved name; while it is read checkpoint.value for NaN and infinities, and what
 *   the tensors' own reading throws
 */
export function checkpointPieces({ state, tensors }: CheckpointStream): FilePieces {
  const named = [...tensors].map(([name, source]) => {
    checkTensorName(name);
    return { name, dtype: 'F32' as const, shape: [source.length], source };
  });
  const { header, ordered, dataBytes } = safetensorsHeader(named, { [METADATA_KEY]: checkpointJson(state) });
  const bytes = header.byteLength + dataBytes;
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield header;
    for (const { name, source } of ordered) {
      for (let start = 0; start < source.length; start += PIECE_NUMBERS) {
        const values = await source.read(start, Math.min(source.length, start + PIECE_NUMBERS));
        checkFinite(values, 'checkpoint.value', `tensor "${name}"`, start);
        yield bytesOf(values);
      }
    }
  }
  return { bytes, pieces: () => joined(parts(), bytes) };
}

function tensorSource(blob: Blob, { start, end }: TensorLocation, source: string, name: string): FloatSource {
  return {
    length: (end - start) / 4,
    read: async (from, to) => {
      const bytes = await readBytes(blob, start + 4 * from, start + 4 * to, source);
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, to - from);
      checkFinite(values, 'checkpoint.broken', `${source}: tensor "${name}"`, from);
      return values;
    },
  };
}

/**
 * Opens a checkpoint's file; `source` names it in errors. Reads its header only; tensors come in order of name.
 * @throws checkpoint.newer, checkpoint.broken; from the tensors file.read, and checkpoint.broken for numbers that are not finite
 */
export async function openCheckpoint(blob: Blob, source: string): Promise<CheckpointStream> {
  const { tensors, metadata } = await readSafetensorsHeader(blob, source).catch(throwBroken);
  const state = readCheckpointState(metadata, source);
  const out = new Map<string, FloatSource>();
  for (const [name, location] of tensors) {
    const { dtype } = location;
    check(dtype === 'F32', 'checkpoint.broken', `${source}: tensor "${name}": dtype is ${dtype}; expected F32`);
    out.set(name, tensorSource(blob, location, source, name));
  }
  return { state, tensors: out };
}
