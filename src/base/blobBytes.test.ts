// @vitest-environment node
import { expect, it } from 'vitest';
import { blobBytes, eachChunk } from './blobBytes';

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 8);

it('reads a part of a blob of several chunks', async () => {
  const blob = new Blob([bytes.slice(0, 100_000), bytes.slice(100_000)]).slice(1234, 250_000);
  const lengths: number[] = [];
  await eachChunk(blob, ({ length }) => lengths.push(length));
  expect(lengths.length).toBeGreaterThan(1);
  expect(Buffer.compare(await blobBytes(blob), bytes.slice(1234, 250_000))).toBe(0);
  expect(await blobBytes(new Blob([]))).toEqual(new Uint8Array(0));
});

it('does not pass off a part as the whole', async () => {
  const short = new Blob([bytes]);
  short.stream = () => new Blob([bytes.slice(1)]).stream();
  await expect(blobBytes(short)).rejects.toThrow('299999 of 300000 bytes came');
});
