// Bytes of a Blob, read as a stream. Must not call `arrayBuffer()` on large ones: in Chromium the memory of what that
// returns stays with the process until the garbage collector comes by, a gigabyte for a file read in small pieces.

/** Hands the bytes to `use` as they come, in order, in chunks of the browser's choice. Throws what reading throws. */
export async function eachChunk(blob: Blob, use: (chunk: Uint8Array) => void): Promise<void> {
  const reader = blob.stream().getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    use(value);
  }
}

/**
 * All bytes of a blob, in a buffer of their own.
 * @throws what reading throws; RangeError when fewer or more come than the blob has (a file that was changed)
 */
export async function blobBytes(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(blob.size);
  let at = 0;
  await eachChunk(blob, (chunk) => {
    out.set(chunk, at);
    at += chunk.length;
  });
  if (at !== out.length) throw new RangeError(`${at} of ${out.length} bytes came`);
  return out;
}
