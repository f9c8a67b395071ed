// Records as gzipped lines of exact JSON, with caps that a hostile file cannot pass. Must not know what a record is.

import { check, LorikeetError } from '../base/errors';
import { readExactJson, writeExactJson } from './exactJson';

/** Far above any run's log, and below what a browser's tab can hold. */
export const MAX_LINES_BYTES = 512 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}

/**
 * One line per record, gzipped; NaN and infinities are kept.
 * @param what what the list is called in errors
 * @throws lines.tooLarge when readGzipLines would refuse it; json.value
 */
export async function writeGzipLines(records: readonly unknown[], what: string): Promise<Uint8Array<ArrayBuffer>> {
  let total = 0;
  const encoder = new TextEncoder();
  const lines = records.map((record, index) => {
    const line = encoder.encode(`${writeExactJson(record, `${what}[${index}]`, 'tag')}\n`);
    total += line.byteLength;
    const fits = line.byteLength <= MAX_LINE_BYTES && total <= MAX_LINES_BYTES;
    check(fits, 'lines.tooLarge', `${what}[${index}]: ${line.byteLength} bytes in the line, ${total} bytes in all`);
    return line;
  });
  return collect(new Blob(lines).stream().pipeThrough(new CompressionStream('gzip')));
}

/** Splits a stream of bytes at line ends, each line without its end. A last line without an end is refused. */
async function* splitLines(reader: ReadableStreamDefaultReader<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  let total = 0;
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.byteLength;
    check(total <= MAX_LINES_BYTES, 'lines.tooLarge', `${what}: it unpacks to more than ${MAX_LINES_BYTES} bytes`);
    let start = 0;
    for (let end = value.indexOf(NEWLINE); end >= 0; end = value.indexOf(NEWLINE, start)) {
      yield joined([...rest, value.subarray(start, end)]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    rest.push(value.subarray(start));
    restBytes += value.byteLength - start;
    check(restBytes <= MAX_LINE_BYTES, 'lines.tooLarge', `${what}: a line has more than ${MAX_LINE_BYTES} bytes`);
  }
  check(restBytes === 0, 'lines.broken', `${what}: the last line is cut`);
}

function joined(parts: Uint8Array[]): Uint8Array {
  const [first, ...others] = parts;
  if (first && others.length === 0) return first;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

/**
 * Reads what writeGzipLines wrote, counting bytes while unpacking.
 * @param what what the list is called in errors
 * @throws lines.tooLarge, lines.broken (not gzip, cut, a line that is not JSON or holds `__proto__`), with the line
 */
export async function readGzipLines(bytes: Uint8Array<ArrayBuffer>, what: string): Promise<unknown[]> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const records: unknown[] = [];
  try {
    for await (const line of splitLines(reader, what)) records.push(readExactJson(decoder.decode(line), 'tag'));
  } catch (error) {
    if (error instanceof LorikeetError && error.code.startsWith('lines.')) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LorikeetError('lines.broken', `${what}: after line ${records.length}: ${reason}`);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  return records;
}
