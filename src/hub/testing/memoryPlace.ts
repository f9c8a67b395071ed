// A store of model files in memory, for tests of downloads that need no browser: parts, journals and whole files.

import type { HubFile } from '../../base/hubModel';
import type { Interval } from '../../base/intervals';
import type { PartFile } from '../fileDownload';
import type { FilePlace } from '../modelDownload';

interface MemoryPart {
  /** What is on disk. */
  bytes: Buffer;
  /** What it becomes with the next keep, where only that counts. */
  open: Buffer;
  kept: Interval[];
}

export interface MemoryPlace extends FilePlace {
  /** Files that were made whole. */
  whole: Map<string, Buffer>;
  /** Bytes and journals of the others. */
  parts: Map<string, MemoryPart>;
}

/**
 * An empty store.
 * @param readable `written`: as the browser's own files. `kept`: as a folder on disk, where bytes count only once they
 *   were kept, and what was not is lost when the part is opened again
 */
export function createMemoryPlace(readable: PartFile['readable'] = 'written'): MemoryPlace {
  const whole = new Map<string, Buffer>();
  const parts: MemoryPlace['parts'] = new Map();
  const open = (file: HubFile): PartFile => {
    const found = parts.get(file.hash);
    const bytes = found?.bytes ?? Buffer.alloc(file.bytes);
    const later = readable === 'kept';
    const part: MemoryPart = { bytes, open: later ? Buffer.from(bytes) : bytes, kept: found?.kept ?? [] };
    parts.set(file.hash, part);
    return {
      ...{ done: part.kept, keepBytes: later ? 2 ** 20 : 32 * 2 ** 20, readable },
      write: async (piece, at) => {
        if (later) await Promise.resolve();
        part.open.set(piece, at);
      },
      read: (at, length) => part.bytes.subarray(at, at + length),
      keep: async (done) => {
        if (later) part.open.copy(part.bytes);
        part.kept = [...done];
      },
      restart: async () => {
        part.kept = [];
        part.bytes.fill(0);
        part.open.fill(0);
      },
    };
  };
  return {
    whole,
    parts,
    has: async (file) => whole.has(file.name),
    fill: async (file, _signal, work) => {
      await work(open(file));
      whole.set(file.name, Buffer.from(parts.get(file.hash)!.bytes));
      parts.delete(file.hash);
    },
  };
}
