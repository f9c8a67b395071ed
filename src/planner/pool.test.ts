// The pool's rule as the plan has it, by hand.

import { expect, it } from 'vitest';
import { buffers, poolBytes, pooledBytes, roundingBytes, type Work } from './pool';

const MIB = 2 ** 20;

function work(...moments: Work['moments']): Work {
  return { moments, up: 0, back: 0 };
}

it('takes a size as often as one moment uses it, and adds sizes up that are never used together', () => {
  const [held] = poolBytes([
    work(
      [buffers('activations', 5 * MIB, 2), buffers('logits', 8 * MIB)],
      [buffers('activations', 5 * MIB), buffers('workspace', 6 * MIB)],
    ),
  ]);
  expect(held!.parts).toMatchObject({ activations: 10 * MIB, logits: 8 * MIB, workspace: 6 * MIB });
});

it('keeps what is small for later work, gives what is large back, and uses what is there', () => {
  const first = work([buffers('activations', MIB, 3), buffers('workspace', 5 * MIB)]);
  const second = work([buffers('logits', MIB), buffers('kv', 7 * MIB)]);
  expect(poolBytes([first, second])[1]!.parts).toMatchObject({
    activations: 0,
    workspace: 2 * MIB,
    logits: MIB,
    kv: 7 * MIB,
  });
});

it.each([
  [1, 256],
  [257, 320],
  [MIB + 1, 1.25 * MIB],
  [3.6 * MIB, 4 * MIB],
  [4 * MIB + 4, 4 * MIB + 4],
  [9 * MIB + 1, 9 * MIB + 4],
])('gives %d bytes a buffer of %d: four sizes per power of two below 4 MiB, whole words above', (bytes, size) => {
  expect(pooledBytes(bytes)).toBe(size);
});

it.each([
  [0, 0],
  [3, 253],
  [MIB, 0],
  [2.5 * MIB, 1.5 * MIB],
  [4 * MIB, 0],
  [4 * MIB + 4, 0],
])('of a buffer of %d bytes Chrome takes %d more', (bytes, more) => {
  expect(roundingBytes(bytes)).toBe(more);
});

it('adds up what Chrome takes beyond the buffers of a moment and those that stay from before', () => {
  const first = work([buffers('activations', 1.25 * MIB, 3)]);
  const second = work([buffers('logits', 2.5 * MIB, 2), buffers('kv', 5 * MIB)]);
  expect(poolBytes([first, second]).map(({ rounding }) => rounding)).toEqual([
    3 * 0.75 * MIB,
    (3 * 0.75 + 2 * 1.5) * MIB,
  ]);
});

it('has an upload buffer as large as the largest submission before, at most 16 MiB', () => {
  const staging = (...ups: number[]) =>
    poolBytes(ups.map((up) => ({ moments: [[]], up, back: 0 }))).map(({ parts }) => parts.staging);
  const [least] = staging(0);
  expect(staging(5 * MIB, 0, 40 * MIB).map((bytes) => bytes - least! + 2 ** 16)).toEqual([8 * MIB, 8 * MIB, 16 * MIB]);
});
