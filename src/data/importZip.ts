// Makes the files in a zip readable one by one, counting what really comes out. Never writes to a disk.

import { Inflate } from 'fflate';
import { crc32 } from '../base/bytes';
import { check, LorikeetError } from '../base/errors';
import type { Bytes, SourceFile } from './sourceFile';
import { blobChunks } from './sourceFile';
import type { ZipEntry } from './zipDirectory';

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** Deflate expands at most 1032 times, so one piece never yields more than 17 MB at once. */
const PIECE_BYTES = 16 * 1024;
const DAMAGED = 'The zip is damaged; make it anew, or unpack it and drop the folder.';

async function packedData(zip: Blob, entry: ZipEntry): Promise<Blob> {
  const header = new DataView(await zip.slice(entry.offset, entry.offset + LOCAL_BYTES).arrayBuffer());
  const valid = header.byteLength === LOCAL_BYTES && header.getUint32(0, true) === LOCAL;
  check(valid, 'zip.damaged', `no file header at byte ${entry.offset} of the zip`, DAMAGED);
  const start = entry.offset + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
  const data = zip.slice(start, start + entry.packedBytes);
  check(data.size === entry.packedBytes, 'zip.damaged', `the zip ends inside this file (byte ${zip.size})`, DAMAGED);
  return data;
}

function inflatePiece(inflate: Inflate, piece: Uint8Array, last: boolean): void {
  try {
    inflate.push(piece, last);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LorikeetError('zip.damaged', `the packed data is damaged (${detail})`, DAMAGED);
  }
}

async function* inflated(data: Blob): AsyncGenerator<Bytes> {
  let out: Bytes[] = [];
  const inflate = new Inflate((chunk) => out.push(chunk));
  for await (const chunk of blobChunks(data)) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      inflatePiece(inflate, chunk.subarray(at, at + PIECE_BYTES), false);
      yield* out;
      out = [];
    }
  }
  inflatePiece(inflate, new Uint8Array(), true);
  yield* out;
}

async function* entryChunks(zip: Blob, entry: ZipEntry): AsyncGenerator<Bytes> {
  const data = await packedData(zip, entry);
  let bytes = 0;
  let crc = 0;
  for await (const chunk of entry.method === 0 ? blobChunks(data) : inflated(data)) {
    bytes += chunk.length;
    // The declared sizes were held against the cap, so a file that grows beyond its own is stopped here.
    const lying = `the file is larger than the ${entry.bytes} bytes that the zip declares`;
    check(bytes <= entry.bytes, 'zip.tooLarge', lying, DAMAGED);
    crc = crc32(chunk, crc);
    yield chunk;
  }
  check(bytes === entry.bytes, 'zip.damaged', `${bytes} of ${entry.bytes} declared bytes came out`, DAMAGED);
  check(crc === entry.crc, 'zip.damaged', 'the checksum does not match', DAMAGED);
}

/**
 * A file in a zip, read when asked for.
 * @param path its path inside the drop
 * @throws (from `chunks`) zip.damaged, zip.tooLarge when it outgrows its declared size, file.unreadable
 */
export function zipSource(path: string, zip: Blob, entry: ZipEntry): SourceFile {
  return { path, size: entry.bytes, chunks: () => entryChunks(zip, entry) };
}

/** Why an entry cannot be read; null when it can. */
export function entryFault(entry: ZipEntry): string | null {
  if (entry.encrypted) return 'it is encrypted; make the zip without a password';
  if (entry.symlink) return 'it is a link; put the file itself into the zip';
  if (entry.method !== 0 && entry.method !== 8)
    return `its compression (method ${entry.method}) is not known; use deflate`;
  return null;
}
