import { expect, test } from 'vitest';
import { createGathering } from './modelWrites';

const MB = 2 ** 20;

/** A file that is the sum of its writes, and how large they were. */
function createFile(size: number) {
  const bytes = new Uint8Array(size);
  const writes: number[] = [];
  return {
    ...{ bytes, writes },
    put: (runs: { at: number; bytes: Uint8Array }[]) => {
      for (const run of runs) {
        bytes.set(run.bytes, run.at);
        writes.push(run.bytes.byteLength);
      }
    },
  };
}

test('pieces of any size, of connections that take turns, come out at their places, a megabyte at a time', () => {
  const source = Uint8Array.from({ length: 5 * MB + 12_345 }, (_, i) => (i * 31 + (i >> 8)) & 255);
  const gathering = createGathering();
  const file = createFile(source.byteLength);
  const ends = [2 * MB, 4 * MB, source.byteLength];
  const at = [0, 2 * MB, 4 * MB];
  for (let turn = 0; at.some((from, i) => from < ends[i]!); turn++) {
    const i = turn % 3;
    const from = at[i]!;
    const end = Math.min(from + 1000 + ((turn * 7919) % 130_000), ends[i]!);
    file.put(gathering.add(source.subarray(from, end), from));
    at[i] = end;
  }
  expect(new Set(file.writes)).toEqual(new Set([MB]));
  file.put(gathering.drain());
  expect(Buffer.compare(file.bytes, source)).toBe(0);
  expect(file.writes.length).toBe(6);
  expect(gathering.drain()).toEqual([]);
});

test('what is taken is copied: the piece may be used for something else', () => {
  const gathering = createGathering();
  const piece = Uint8Array.of(1, 2, 3);
  gathering.add(piece, 10);
  piece.fill(9);
  expect(gathering.drain()).toEqual([{ at: 10, bytes: Uint8Array.of(1, 2, 3) }]);
});

test('of many places only a few wait; the oldest go first', () => {
  const gathering = createGathering();
  const out = Array.from({ length: 20 }, (_, i) => gathering.add(Uint8Array.of(i), i * 100)).flat();
  expect(out.map(({ at }) => at)).toEqual(Array.from({ length: 12 }, (_, i) => i * 100));
});
