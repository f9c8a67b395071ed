// Lines of text from bytes: line ends, encodings, limits.

import { expect, test } from 'vitest';
import type { Line } from './jsonl';
import { wideEncoding } from '../base/textBytes.mjs';
import { readLines } from './jsonl';
import type { Bytes } from './sourceFile';

async function* chunked(bytes: Uint8Array<ArrayBuffer>, size: number): AsyncGenerator<Bytes> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function linesOf(content: string | number[], size = 7, maxBytes?: number): Promise<Line[]> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content);
  const out: Line[] = [];
  for await (const line of readLines(chunked(bytes, size), maxBytes)) out.push(line);
  return out;
}

async function texts(content: string, size?: number): Promise<string[]> {
  return (await linesOf(content, size)).map((line) => ('text' in line ? line.text : `! ${line.fault.code}`));
}

test('LF, CR LF and a lone CR end a line wherever chunks are cut', async () => {
  for (let size = 1; size < 12; size++) {
    expect(await texts('a\nb\r\nc\rd\r\r\ne\n\nf', size)).toEqual(['a', 'b', 'c', 'd', '', 'e', '', 'f']);
  }
});

test('U+2028, U+2029, U+0085 and form feeds are text, not line ends', async () => {
  expect(await texts('a\u2028b\u2029c\u0085d\fe\nf')).toEqual(['a\u2028b\u2029c\u0085d\fe', 'f']);
});

test('a byte order mark is dropped at the start of the file only', async () => {
  expect(await texts('\ufeffa\n\ufeffb', 1)).toEqual(['a', '\ufeffb']);
});

test('characters cut by chunks are whole again', async () => {
  expect(await texts('käse 🦜\nß', 1)).toEqual(['käse 🦜', 'ß']);
});

test('only a last line without a line end is marked as not ended', async () => {
  const ended = async (text: string): Promise<unknown> =>
    (await linesOf(text)).map((line) => 'ended' in line && line.ended);
  expect(await ended('a\nb')).toEqual([true, false]);
  expect(await ended('a\nb\n')).toEqual([true, true]);
  expect(await linesOf('')).toEqual([]);
});

test('a line that is not UTF-8 is a fault with its number and the next line is read', async () => {
  const lines = await linesOf([97, 10, 0xc3, 0x28, 10, 98]);
  expect(lines[1]).toMatchObject({ line: 2, fault: { code: 'jsonl.encoding' } });
  expect(lines[2]).toMatchObject({ line: 3, text: 'b' });
});

test('an overlong sequence and an encoded surrogate are not UTF-8', async () => {
  for (const bytes of [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff], [0xe2, 0x82]]) {
    expect((await linesOf(bytes))[0]).toMatchObject({ line: 1, fault: { code: 'jsonl.encoding' } });
  }
});

test('a line over the limit is a fault that names its length and the next line is read', async () => {
  const lines = await linesOf(`${'x'.repeat(100)}\nok`, 9, 50);
  expect(lines[0]).toMatchObject({ line: 1, fault: { code: 'jsonl.tooLong' } });
  expect('fault' in lines[0]! && lines[0].fault.message).toContain('100 bytes');
  expect(lines[1]).toMatchObject({ line: 2, text: 'ok' });
});

test('UTF-16 and UTF-32 are recognised with and without a mark', () => {
  const le = (text: string): Uint8Array => new Uint8Array(Uint16Array.from(text, (c) => c.charCodeAt(0)).buffer);
  expect(wideEncoding(le('\ufeff{"a"'))).toBe('UTF-16 (little endian)');
  expect(wideEncoding(le('{"a"'))).toBe('UTF-16 (little endian)');
  expect(wideEncoding(Uint8Array.of(0xfe, 0xff, 0, 0x7b))).toBe('UTF-16 (big endian)');
  expect(wideEncoding(Uint8Array.of(0, 0x7b, 0, 0x22))).toBe('UTF-16 (big endian)');
  expect(wideEncoding(Uint8Array.of(0xff, 0xfe, 0, 0))).toBe('UTF-32 (little endian)');
  expect(wideEncoding(new TextEncoder().encode('{"a": 1}'))).toBeNull();
});
