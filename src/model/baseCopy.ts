// What a copy of the base in the types of the GPU is made of: the buffers of every matrix and vector in the order in which
// they are loaded, cut into pieces with a hash each. Where the bytes lie is for others to say.

import type { WeightStorage } from '../ops/matmul';
import { partWords, type MatrixLayout } from './matrixLayout';
import { PIECE_BYTES } from './pieces';

/** One matrix, or one vector: then its buffer is the one of f32. */
export interface CopyEntry {
  /** Names of its tensors. */
  names: string[];
  storage: WeightStorage | 'vector';
  rows: number;
  columns: number;
  /** `bytes` of its buffers: of its elements and, for nf4, of its scales. */
  parts: { firstRow: number; rows: number; bytes: number[] }[];
}

/** A copy that may be read; all of it has its place by `layout`. */
export interface BaseCopy {
  layout: readonly CopyEntry[];
  /** SHA-256 of every piece, in their order. */
  hashes: readonly string[];
  /** @param memory is used if it is large enough, and taken from the caller @throws what reading throws */
  read(at: number, bytes: number, memory?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes of a buffer that are written, read and hashed at once. */
export interface CopyPiece {
  /** First byte within the buffer. */
  at: number;
  bytes: number;
}

const WORD = 4;

/** @param names of its tensors, stacked in this order */
export function matrixEntry(names: string[], layout: MatrixLayout): CopyEntry {
  const { rows, columns, storage, plans } = layout;
  const parts = plans.map((plan) => ({
    firstRow: plan.firstRow,
    rows: plan.rows,
    bytes: partWords(layout, plan).map((words) => words * WORD),
  }));
  return { names, storage, rows, columns, parts };
}

/** @param tensors f32, `size` elements each, one after the other */
export function vectorEntry(tensors: readonly { name: string; size: number }[]): CopyEntry {
  const rows = tensors.reduce((sum, { size }) => sum + size, 0);
  const names = tensors.map(({ name }) => name);
  return { names, storage: 'vector', rows, columns: 1, parts: [{ firstRow: 0, rows, bytes: [rows * WORD] }] };
}

/** Bytes of an entry's buffers, in the order of the copy. */
function buffersOf({ parts }: CopyEntry): number[] {
  return parts.flatMap(({ bytes }) => bytes);
}

/** The pieces of one buffer. */
export function piecesOf(bufferBytes: number): CopyPiece[] {
  const pieces: CopyPiece[] = [];
  for (let at = 0; at < bufferBytes; at += PIECE_BYTES) {
    pieces.push({ at, bytes: Math.min(PIECE_BYTES, bufferBytes - at) });
  }
  return pieces;
}

/** Bytes of every piece of a copy. */
export function pieceSizes(layout: readonly CopyEntry[]): number[] {
  return layout.flatMap(buffersOf).flatMap((bytes) => piecesOf(bytes).map((piece) => piece.bytes));
}

/** Where an entry begins in a copy. */
export interface CopyPlace {
  at: number;
  /** Index of its first piece. */
  piece: number;
}

/** Places by the name of an entry's first tensor: no tensor is in two of them. */
export function placesOf(layout: readonly CopyEntry[]): Map<string, CopyPlace> {
  const places = new Map<string, CopyPlace>();
  let at = 0;
  let piece = 0;
  for (const entry of layout) {
    places.set(entry.names[0]!, { at, piece });
    for (const bytes of buffersOf(entry)) {
      at += bytes;
      piece += piecesOf(bytes).length;
    }
  }
  return places;
}
