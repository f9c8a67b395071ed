// A file to read, dropped or inside a zip, as chunks of bytes. Knows nothing of what is in it.

import { LorikeetError } from '../base/errors';

export type Bytes = Uint8Array<ArrayBuffer>;

export interface SourceFile {
  /** Path inside the drop; for a file in a zip, the zip's path is its first part. */
  path: string;
  /** Declared size in bytes. */
  size: number;
  /** The content from the start; may be asked for again. Errors: file.unreadable, zip.damaged, zip.tooLarge. */
  chunks(): AsyncGenerator<Bytes>;
}

/** The bytes of a blob in chunks. Errors: file.unreadable, as when the file changed after the drop. */
export async function* blobChunks(blob: Blob): AsyncGenerator<Bytes> {
  // Not `for await`: not every browser with WebGPU iterates streams.
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        const detail = error instanceof Error ? error.message : String(error);
        throw new LorikeetError(
          'file.unreadable',
          `the file cannot be read: it was changed, moved or deleted after it was dropped (${detail})`,
          'Drop it again.',
        );
      });
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** A dropped file. */
export function blobSource(path: string, blob: Blob): SourceFile {
  return { path, size: blob.size, chunks: () => blobChunks(blob) };
}

/** The same file; `call` is called before each chunk, and what it throws ends the reading. */
export function onEachChunk(source: SourceFile, call: () => void): SourceFile {
  const { path, size } = source;
  const chunks = async function* (): AsyncGenerator<Bytes> {
    call();
    for await (const chunk of source.chunks()) {
      yield chunk;
      call();
    }
  };
  return { path, size, chunks };
}

function join(parts: Bytes[], length: number): Bytes {
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The whole content. Errors: those of `chunks`; file.tooLarge above `maxBytes`, counted while reading. */
export async function readAll(source: SourceFile, maxBytes: number): Promise<Bytes> {
  const parts: Bytes[] = [];
  let length = 0;
  for await (const chunk of source.chunks()) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new LorikeetError('file.tooLarge', `the file is larger than ${Math.floor(maxBytes / 2 ** 20)} MB`);
    }
    parts.push(chunk);
  }
  return join(parts, length);
}

/** The first `bytes` bytes, fewer when the file is shorter. Errors: those of `chunks`. */
export async function readHead(source: SourceFile, bytes: number): Promise<Bytes> {
  const parts: Bytes[] = [];
  let length = 0;
  for await (const chunk of source.chunks()) {
    parts.push(chunk);
    length += chunk.length;
    if (length >= bytes) break;
  }
  return join(parts, length).subarray(0, bytes);
}
