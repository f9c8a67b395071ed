// A file's bytes as pieces of one size, made while they are written or read; and the hash of a file in pieces.

import { blobBytes } from './blobBytes';
import { sha256Hex } from './bytes';

/** Bytes of a piece. */
export const PIECE_BYTES = 16 * 2 ** 20;

/** A file that need never be in memory whole. */
export interface FilePieces {
  bytes: number;
  /** Fresh arrays of one size, the last one shorter; of an empty file one empty piece. May be asked for once more. */
  pieces(): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Bytes in memory. @param pieceBytes size of a piece */
export function bytesInPieces(bytes: Uint8Array<ArrayBuffer>, pieceBytes = PIECE_BYTES): FilePieces {
  return {
    bytes: bytes.byteLength,
    async *pieces() {
      for (let at = 0; at === 0 || at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    },
  };
}

/** Bytes of a file or blob, read piece by piece. @param pieceBytes size of a piece */
export function blobInPieces(blob: Blob, pieceBytes = PIECE_BYTES): FilePieces {
  return {
    bytes: blob.size,
    async *pieces() {
      for (let at = 0; at === 0 || at < blob.size; at += pieceBytes) {
        yield await blobBytes(blob.slice(at, at + pieceBytes));
      }
    },
  };
}

/** The hash of a file whose pieces have these hashes: of one piece its own SHA-256, else the SHA-256 of the list of hashes. */
export async function hashOfPieces(hashes: readonly string[]): Promise<string> {
  const [only] = hashes;
  if (only !== undefined && hashes.length === 1) return only;
  return sha256Hex(new TextEncoder().encode(hashes.join('\n')));
}

/** The hash of a file in pieces, as hashOfPieces. */
export async function hashPieces(file: FilePieces): Promise<string> {
  const hashes: string[] = [];
  for await (const piece of file.pieces()) hashes.push(await sha256Hex(piece));
  return hashOfPieces(hashes);
}
