// @vitest-environment node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceFolder } from '../../tools/vite/referencePlugin.mjs';
import { LorikeetError } from '../base/errors';
import { parseSafetensors, readSafetensorsHeader, widenToF32, writeSafetensors } from './safetensors';

/** A file by hand: header text, then data. */
function file(header: string | Uint8Array, data: number[] = [], length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const out = new Uint8Array(8 + json.length + data.length);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  out.set(json, 8);
  out.set(data, 8 + json.length);
  return out;
}

function entry(dtype: string, shape: unknown, offsets: unknown): string {
  return JSON.stringify({ dtype, shape, data_offsets: offsets });
}

function failure(bytes: Uint8Array): LorikeetError {
  try {
    parseSafetensors(bytes, 'x.safetensors');
  } catch (error) {
    if (error instanceof LorikeetError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const adapter = new Uint8Array(readFileSync(join(referenceFolder(), 'grpo/qv/adapter/adapter_model.safetensors')));

describe('reading', () => {
  it('reads a file written by the safetensors library, with shapes and metadata', () => {
    const { tensors, metadata } = parseSafetensors(adapter);
    expect(metadata).toEqual({ format: 'pt' });
    const [, tensor] = [...tensors][0]!;
    expect(tensor.dtype).toBe('F32');
    expect(tensor.bytes.byteLength).toBe(4 * tensor.shape[0]! * tensor.shape[1]!);
    expect(widenToF32(tensor).every(Number.isFinite)).toBe(true);
  });

  it('gives the same locations from a blob, reading the header only', async () => {
    const { tensors } = parseSafetensors(adapter);
    const header = await readSafetensorsHeader(new Blob([adapter.slice()]), 'a.safetensors');
    expect([...header.tensors.keys()]).toEqual([...tensors.keys()]);
    for (const [name, { start, end }] of header.tensors) {
      expect(adapter.slice(start, end)).toEqual(tensors.get(name)?.bytes.slice());
    }
  });

  it('accepts zero-size tensors, scalars, an empty header and tensors named like object internals', () => {
    const header = `{"__proto__":${entry('F32', [0, 3], [0, 0])},"constructor":${entry('U8', [], [0, 1])}}   `;
    const { tensors } = parseSafetensors(file(header, [7]));
    expect(tensors.get('__proto__')?.shape).toEqual([0, 3]);
    expect([...(tensors.get('constructor')?.bytes ?? [])]).toEqual([7]);
    expect(parseSafetensors(file('{}')).tensors.size).toBe(0);
  });

  it('is not misled by a header length that looks like the start of another format', () => {
    const pickleLike = '{}'.padEnd(0x0280, ' ');
    expect(parseSafetensors(file(pickleLike)).tensors.size).toBe(0);
  });

  it('widens every kind of F16 and BF16 value exactly, also from an odd byte', () => {
    const half = [0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555];
    const bytes = new Uint8Array(1 + half.length * 2);
    half.forEach((bits, i) => new DataView(bytes.buffer).setUint16(1 + 2 * i, bits, true));
    const got = widenToF32({ dtype: 'F16', shape: [half.length], bytes: bytes.subarray(1) });
    const want = [0, -0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, -2, 65504, Infinity, -Infinity, NaN, 1365 / 4096];
    expect([...got]).toEqual(want);
    const bf16 = new Uint8Array([0x80, 0x3f, 0x49, 0xc0, 0x01, 0x00, 0x80, 0x7f]);
    const wide = widenToF32({ dtype: 'BF16', shape: [4], bytes: bf16 });
    expect([...wide]).toEqual([1, -3.140625, 2 ** -133, Infinity]);
    expect(() => widenToF32({ dtype: 'I32', shape: [1], bytes: new Uint8Array(4) })).toThrow(/I32/);
  });
});

describe('writing', () => {
  it('gives the very bytes that the safetensors library gives', () => {
    const { tensors, metadata } = parseSafetensors(adapter);
    const shuffled = [...tensors].reverse().map(([name, tensor]) => ({ name, ...tensor }));
    expect(writeSafetensors(shuffled, metadata)).toEqual(adapter);
  });

  it('refuses bytes that do not fill the shape, and names used twice', () => {
    const tensor = { name: 'a', dtype: 'F32' as const, shape: [2], bytes: new Uint8Array(8) };
    expect(() => writeSafetensors([{ ...tensor, bytes: new Uint8Array(7) }])).toThrow(/needs 8 bytes, got 7/);
    expect(() => writeSafetensors([tensor, tensor])).toThrow(/used twice/);
  });
});

describe('bad files', () => {
  const one = entry('F32', [1], [0, 4]);
  const notUtf8 = new TextEncoder().encode('{"a~":1}').map((byte) => (byte === 0x7e ? 0xff : byte));
  const cases: [string, Uint8Array, string, RegExp][] = [
    ['shorter than 8 bytes', new Uint8Array(5), 'safetensors.truncated', /5 bytes/],
    ['header length 0', file('', [], 0n), 'safetensors.header', /length is 0/],
    ['header length 2^64-1', file('{}', [], 2n ** 64n - 1n), 'safetensors.header', /above the limit/],
    ['header above 100 MB', file('{}', [], 100_000_001n), 'safetensors.header', /above the limit/],
    ['header past the end', file('{}', [], 50n), 'safetensors.truncated', /ends at byte 58, but the file has 10/],
    ['header not UTF-8', file(notUtf8), 'safetensors.header', /UTF-8/],
    ['header not JSON', file('{"a":'), 'safetensors.header', /not valid JSON/],
    ['header not an object', file('[1]'), 'safetensors.header', /does not start with/],
    ['BOM before the header', file('\ufeff{}'), 'safetensors.header', /does not start with/],
    ['duplicate names', file(`{"a":${one},"\\u0061":${one}}`, [0, 0, 0, 0]), 'safetensors.header', /"a" occurs twice/],
    ['entry not an object', file('{"a":3}'), 'safetensors.tensor', /tensor "a"/],
    ['unknown dtype', file(`{"a":${entry('F33', [1], [0, 4])}}`, [0, 0, 0, 0]), 'safetensors.tensor', /"F33"/],
    ['dtype of the prototype', file(`{"a":${entry('toString', [1], [0, 4])}}`), 'safetensors.tensor', /unknown dtype/],
    ['negative size', file(`{"a":${entry('F32', [-1], [0, 4])}}`), 'safetensors.tensor', /shape/],
    ['fractional size', file(`{"a":${entry('F32', [0.5], [0, 2])}}`), 'safetensors.tensor', /shape/],
    ['size overflow', file(`{"a":${entry('F32', [2 ** 40, 2 ** 40], [0, 4])}}`), 'safetensors.tensor', /needs/],
    ['wrong byte count', file(`{"a":${entry('F32', [2], [0, 4])}}`), 'safetensors.tensor', /needs 8 bytes.*hold 4/],
    ['reversed offsets', file(`{"a":${entry('F32', [1], [4, 0])}}`), 'safetensors.offsets', /\[4,0\]/],
    ['negative offsets', file(`{"a":${entry('F32', [1], [-4, 0])}}`), 'safetensors.offsets', /\[-4,0\]/],
    ['fractional offsets', file(`{"a":${entry('F32', [1], [0.5, 4.5])}}`), 'safetensors.offsets', /0.5/],
    [
      'overlap',
      file(`{"a":${one},"b":${entry('F32', [1], [2, 6])}}`, [1, 2, 3, 4, 5, 6]),
      'safetensors.offsets',
      /overlap/,
    ],
    ['hole', file(`{"a":${one},"b":${entry('U8', [1], [5, 6])}}`, [1, 2, 3, 4, 5, 6]), 'safetensors.offsets', /hole/],
    ['past the end', file(`{"a":${one}}`, [1, 2]), 'safetensors.truncated', /tensor "a" ends at byte/],
    [
      'trailing bytes',
      file(`{"a":${one}}`, [1, 2, 3, 4, 5]),
      'safetensors.offsets',
      /1 unexpected bytes after tensor "a"/,
    ],
    ['metadata not strings', file('{"__metadata__":{"a":1}}'), 'safetensors.header', /__metadata__/],
    [
      'git-LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'),
      'safetensors.format',
      /LFS/,
    ],
    ['HTML page', new TextEncoder().encode('<!DOCTYPE html><html>'), 'safetensors.format', /HTML/],
    ['pickle', new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0]), 'safetensors.format', /pickle/],
  ];
  it.each(cases)('are refused by name: %s', (_, bytes, code, message) => {
    const error = failure(bytes);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toContain('x.safetensors');
  });
});
