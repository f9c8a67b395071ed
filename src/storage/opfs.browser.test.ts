// Writing files of the private file system from the page: what a broken stream is called.

import { afterEach, expect, test, vi } from 'vitest';
import { opfs, writeFile } from './opfs';

const NAME = 'broken-stream';

afterEach(async () => {
  vi.restoreAllMocks();
  await opfs.remove(NAME);
});

/** Writes 2 x 500 bytes by a stream that breaks at the first, with so many bytes free. */
async function codeWith(free: number): Promise<unknown> {
  const broken = new DOMException('Failed to write data to data pipe.', 'AbortError');
  vi.spyOn(FileSystemWritableFileStream.prototype, 'write').mockRejectedValue(broken);
  vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ quota: 10_000, usage: 10_000 - free });
  const content = {
    bytes: 1000,
    async *pieces() {
      yield new Uint8Array(500);
      yield new Uint8Array(500);
    },
  };
  return writeFile(opfs, NAME, content).then(
    () => 'written',
    (error: { code: string }) => error.code,
  );
}

test('a stream that breaks off where there is no room is a full disk; elsewhere it is what it says', async () => {
  expect(await codeWith(999)).toBe('storage.quota');
  expect(await codeWith(1000)).toBe('storage.failed');
});
