// Bytes of a Blob, read as a stream into memory that the caller keeps. Must not call `arrayBuffer()` on large ones: in
// Chromium the memory of what that returns stays with the process until the garbage collector comes by, a gigabyte for a
// file that is read in small pieces; so do the chunks that a stream brings itself.

/** A reader into memory of one's own; null where the browser's Blobs have none. */
function readerInto(blob: Blob): ReadableStreamBYOBReader | null {
  try {
    return blob.stream().getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}

/**
 * All bytes of a blob.
 * @param memory is used, if it is large enough, and taken from the caller: the result's buffer is its new name
 * @throws what reading throws; RangeError when fewer bytes come than the blob has (a file that was changed)
 */
export async function blobBytes(blob: Blob, memory?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = blob;
  const reader = readerInto(blob);
  if (!reader) return new Uint8Array(await blob.arrayBuffer());
  let buffer = memory && memory.byteLength >= size ? memory : new ArrayBuffer(size);
  let at = 0;
  while (at < size) {
    const { value, done } = await reader.read(new Uint8Array(buffer, at, size - at));
    if (!value || done) break;
    buffer = value.buffer;
    at += value.length;
  }
  reader.releaseLock();
  if (at !== size) throw new RangeError(`${at} of ${size} bytes came`);
  return new Uint8Array(buffer, 0, size);
}

/**
 * A blob's bytes in order, a piece at a time in the same memory.
 * @param pieceBytes of each, the last one shorter @yields bytes that are the caller's until it asks for the next
 * @throws as blobBytes
 */
export async function* blobPieces(blob: Blob, pieceBytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let memory: ArrayBuffer | undefined;
  for (let at = 0; at < blob.size; at += pieceBytes) {
    const piece = await blobBytes(blob.slice(at, at + pieceBytes), memory);
    yield piece;
    memory = piece.buffer;
  }
}
