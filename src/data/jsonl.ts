// Splits a stream of bytes into lines of text. Must not parse: a line may be anything.

import { decodeUtf8 } from '../base/textBytes.mjs';
import type { Bytes } from './sourceFile';

const LF = 10;
const CR = 13;
const MAX_LINE_BYTES = 16 * 1024 * 1024;

export type Line =
  | { line: number; text: string; /** false when the file ends without a line end. */ ended: boolean }
  | { line: number; fault: { code: 'jsonl.encoding' | 'jsonl.tooLong'; message: string } };

interface LineBuffer {
  parts: Bytes[];
  length: number;
  line: number;
}

function finishLine(buffer: LineBuffer, ended: boolean, maxBytes: number): Line {
  const { parts, length, line } = buffer;
  buffer.parts = [];
  buffer.length = 0;
  buffer.line++;
  if (length > maxBytes) {
    const message = `the line has ${length} bytes; at most ${Math.floor(maxBytes / 2 ** 20)} MB are read`;
    return { line, fault: { code: 'jsonl.tooLong', message } };
  }
  let bytes: Uint8Array = parts[0] ?? new Uint8Array();
  if (parts.length > 1) {
    bytes = new Uint8Array(length);
    parts.reduce((at, part) => ((bytes as Bytes).set(part, at), at + part.length), 0);
  }
  // A byte order mark belongs to the file, so only its first line loses one.
  const text = line === 1 ? decodeUtf8(bytes) : decodeKeepingMark(bytes);
  if (text !== null) return { line, text, ended };
  return { line, fault: { code: 'jsonl.encoding', message: 'the line is not valid UTF-8; save the file as UTF-8' } };
}

function decodeKeepingMark(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function keep(buffer: LineBuffer, part: Bytes, maxBytes: number): void {
  buffer.length += part.length;
  // Of a line over the limit only the length is still of interest.
  if (buffer.length > maxBytes) buffer.parts = [];
  else if (part.length > 0) buffer.parts.push(part);
}

/**
 * Lines of UTF-8 text, ended by LF, CR LF or CR and by nothing else (U+2028 is text). A line that cannot be used comes
 * as a fault and reading goes on. Never holds more than a line and a chunk.
 * @param chunks the file's bytes @param maxBytes longest line that is read
 */
export async function* readLines(chunks: AsyncIterable<Bytes>, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line> {
  const buffer: LineBuffer = { parts: [], length: 0, line: 1 };
  let afterCr = false;
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte !== LF && byte !== CR) {
        afterCr = false;
        continue;
      }
      if (byte === LF && afterCr) {
        start = i + 1;
      } else {
        keep(buffer, chunk.subarray(start, i), maxBytes);
        yield finishLine(buffer, true, maxBytes);
        start = i + 1;
      }
      afterCr = byte === CR;
    }
    keep(buffer, chunk.subarray(start), maxBytes);
  }
  if (buffer.length > 0) yield finishLine(buffer, false, maxBytes);
}
