// Reads a zip's central directory: which files, where, how large. Must not inflate.
// Format: PKWARE APPNOTE.TXT 6.3, sections 4.3.12 and 4.3.16.

import { check, LorikeetError } from '../base/errors';
import { decodeUtf8 } from '../base/textBytes.mjs';

export interface ZipEntry {
  name: string;
  /** 0 stored, 8 deflated. */
  method: number;
  encrypted: boolean;
  symlink: boolean;
  crc: number;
  packedBytes: number;
  /** Declared; what really comes out is counted by the reader. */
  bytes: number;
  /** Byte offset of the local header in the file. */
  offset: number;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const MAX_COMMENT = 65535;
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;
const UNPACK = 'Unpack it and drop the folder, or make the zip anew.';

async function viewOf(blob: Blob, start: number, end: number): Promise<DataView> {
  try {
    return new DataView(await blob.slice(start, end).arrayBuffer());
  } catch {
    throw new LorikeetError('file.unreadable', 'the zip cannot be read: it was changed or deleted', 'Drop it again.');
  }
}

function findEnd(view: DataView): number {
  for (let at = view.byteLength - END_BYTES; at >= 0; at--) if (view.getUint32(at, true) === END) return at;
  throw new LorikeetError('zip.damaged', 'not a zip archive, or its end is cut off (no end record found)', UNPACK);
}

function nameOf(bytes: Uint8Array): string {
  // Names that are not UTF-8 are of an unknown code page; Latin-1 keeps them apart at least.
  return decodeUtf8(bytes) ?? String.fromCharCode(...bytes);
}

function readEntry(view: DataView, at: number, base: number): { entry: ZipEntry; next: number } {
  const header = at + CENTRAL_BYTES <= view.byteLength && view.getUint32(at, true) === CENTRAL;
  check(header, 'zip.damaged', `the zip's directory is damaged at its byte ${at}`, UNPACK);
  const nameBytes = view.getUint16(at + 28, true);
  const next = at + CENTRAL_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  check(next <= view.byteLength, 'zip.damaged', `the zip's directory is cut off at its byte ${at}`, UNPACK);
  const u32 = (field: number) => view.getUint32(at + field, true);
  const [packedBytes, bytes, offset] = [u32(20), u32(24), u32(42)];
  check(Math.max(packedBytes, bytes, offset) < 0xffffffff, 'zip.zip64', 'zip64 archives are not read', UNPACK);
  const entry: ZipEntry = {
    name: nameOf(new Uint8Array(view.buffer, at + CENTRAL_BYTES, nameBytes)),
    method: view.getUint16(at + 10, true),
    encrypted: (view.getUint16(at + 8, true) & 1) === 1,
    // The upper half holds the Unix mode where the maker was Unix.
    symlink: (view.getUint16(at + 40, true) & 0xf000) === 0xa000,
    crc: view.getUint32(at + 16, true),
    packedBytes,
    bytes,
    offset: offset + base,
  };
  return { entry, next };
}

/**
 * The entries of a zip, folders left out.
 * @throws zip.damaged (not a zip, cut, damaged), zip.zip64, zip.tooLarge (more than `maxEntries`), file.unreadable
 */
export async function readZipDirectory(blob: Blob, maxEntries: number): Promise<ZipEntry[]> {
  const tailStart = Math.max(0, blob.size - END_BYTES - MAX_COMMENT);
  const tail = await viewOf(blob, tailStart, blob.size);
  const end = findEnd(tail);
  const count = tail.getUint16(end + 10, true);
  const directoryBytes = tail.getUint32(end + 12, true);
  const declaredStart = tail.getUint32(end + 16, true);
  check(count < 0xffff && declaredStart < 0xffffffff, 'zip.zip64', 'zip64 archives are not read', UNPACK);
  const fits = count <= maxEntries && directoryBytes <= MAX_DIRECTORY_BYTES;
  check(fits, 'zip.tooLarge', `the zip holds ${count} files; at most ${maxEntries} are read`);
  // Something may stand before the archive (a self-extractor); offsets are then relative to its start.
  const start = tailStart + end - directoryBytes;
  const base = start - declaredStart;
  check(base >= 0, 'zip.damaged', 'the zip is cut: its directory lies before its start', UNPACK);
  const view = await viewOf(blob, start, start + directoryBytes);
  const entries: ZipEntry[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    const { entry, next } = readEntry(view, at, base);
    at = next;
    if (!entry.name.endsWith('/')) entries.push(entry);
  }
  return entries;
}
