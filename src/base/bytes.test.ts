// Checksums of bytes.

import { crc32 as nodeCrc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { crc32 } from './bytes';

test('the checksum is zlib’s, in one go and piece by piece', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37 + (i >> 3)) & 255);
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
  expect(crc32(bytes)).toBe(nodeCrc32(bytes));
  for (const cut of [0, 1, 500, 1000]) {
    expect([cut, crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))]).toEqual([cut, nodeCrc32(bytes)]);
  }
});
