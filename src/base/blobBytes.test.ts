// @vitest-environment node
import { expect, it } from 'vitest';
import { blobBytes } from './blobBytes';

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 8);
const blob = new Blob([bytes.slice(0, 100_000), bytes.slice(100_000)]);

it('reads a part of a blob of several chunks', async () => {
  expect(Buffer.compare(await blobBytes(blob.slice(1234, 250_000)), bytes.slice(1234, 250_000))).toBe(0);
  expect(await blobBytes(new Blob([]))).toEqual(new Uint8Array(0));
});

it('reads into the memory that it gets where that is large enough', async () => {
  const first = await blobBytes(blob.slice(0, 200_000), new ArrayBuffer(200_004));
  expect([first.buffer.byteLength, first.length]).toEqual([200_004, 200_000]);
  const second = await blobBytes(blob.slice(100, 150), first.buffer);
  expect([second.buffer.byteLength, first.length]).toEqual([200_004, 0]);
  expect(second).toEqual(bytes.slice(100, 150));
  expect((await blobBytes(blob, second.buffer)).buffer.byteLength).toBe(300_000);
});

it('does not pass off a part as the whole', async () => {
  const short = new Blob([bytes]);
  short.stream = () => new Blob([bytes.slice(1)]).stream();
  await expect(blobBytes(short)).rejects.toThrow('299999 of 300000 bytes came');
});
