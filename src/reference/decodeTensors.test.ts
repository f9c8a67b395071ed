import { describe, expect, it } from 'vitest';
import { decodeTensors } from './decodeTensors';

/** A safetensors file of one tensor, its bytes at an odd offset. */
function fileOf(dtype: string, shape: number[], bytes: number[]): Uint8Array {
  const entry = { t: { dtype, shape, data_offsets: [0, bytes.length] } };
  let json = JSON.stringify(entry);
  if (json.length % 2 === 0) json += ' ';
  const header = new TextEncoder().encode(json);
  return Uint8Array.from([header.length, 0, 0, 0, 0, 0, 0, 0, ...header, ...bytes]);
}

describe('decodeTensors', () => {
  it.each([
    ['F32', [0, 0, 128, 63, 0, 0, 0, 192], Float32Array.of(1, -2)],
    ['BF16', [128, 63, 0, 192], Float32Array.of(1, -2)],
    ['F16', [0, 60, 1, 0], Float32Array.of(1, 2 ** -24)],
    ['I32', [1, 0, 0, 0, 255, 255, 255, 255], Int32Array.of(1, -1)],
    ['U8', [7, 255], Uint8Array.of(7, 255)],
  ])('reads %s at any offset', (dtype, bytes, want) => {
    expect(decodeTensors(fileOf(dtype, [2], bytes), 'x').get('t')).toEqual({ shape: [2], data: want });
  });

  it('refuses other types, naming file and tensor', () => {
    expect(() => decodeTensors(fileOf('I64', [1], [1, 0, 0, 0, 0, 0, 0, 0]), 'x.safetensors')).toThrow(
      /x\.safetensors: tensor t is I64/,
    );
  });
});
