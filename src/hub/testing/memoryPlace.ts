// A store of model files in memory, for tests of downloads that need no browser: parts, journals and whole files.

import type { HubFile } from '../../base/hubModel';
import type { Interval } from '../../base/intervals';
import type { PartFile } from '../fileDownload';
import type { FilePlace } from '../modelDownload';

export interface MemoryPlace extends FilePlace {
  /** Files that were made whole. */
  whole: Map<string, Buffer>;
  /** Bytes and journals of the others. */
  parts: Map<string, { bytes: Buffer; kept: Interval[] }>;
}

/** An empty store. */
export function createMemoryPlace(): MemoryPlace {
  const whole = new Map<string, Buffer>();
  const parts: MemoryPlace['parts'] = new Map();
  const open = (file: HubFile): PartFile => {
    const part = parts.get(file.hash) ?? { bytes: Buffer.alloc(file.bytes), kept: [] };
    parts.set(file.hash, part);
    return {
      done: part.kept,
      write: (bytes, at) => void part.bytes.set(bytes, at),
      read: (at, length) => part.bytes.subarray(at, at + length),
      keep: async (done) => {
        part.kept = [...done];
      },
      restart: async () => {
        part.kept = [];
        part.bytes.fill(0);
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
