// @vitest-environment node
import { expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './floats';

/** An f32, and what PyTorch rounds it to: bits of float16 and of bfloat16. */
const ROUNDED: [value: number, float16: number, bfloat16: number][] = [
  [1.0, 0x3c00, 0x3f80],
  [1.00048828125, 0x3c00, 0x3f80],
  [1.00146484375, 0x3c02, 0x3f80],
  [1.00390625, 0x3c04, 0x3f80],
  [1.01171875, 0x3c0c, 0x3f82],
  [-2.7182817459106445, 0xc170, 0xc02e],
  [65504.0, 0x7bff, 0x4780],
  [65519.98828125, 0x7bff, 0x4780],
  [6.0999998822808266e-5, 0x03ff, 0x3880],
  [6.097555160522461e-5, 0x03ff, 0x3880],
  [5.960464477539063e-8, 0x0001, 0x3380],
  [8.940696716308594e-8, 0x0002, 0x33c0],
  [2 ** -25, 0x0000, 0x3300],
  [2.980232594040899e-8, 0x0001, 0x3300],
  [-0.0, 0x8000, 0x8000],
  [-(2 ** -24), 0x8001, 0xb380],
  [2 ** -14, 0x0400, 0x3880],
  [-65520, 0xfc00, 0xc780],
  [Infinity, 0x7c00, 0x7f80],
  [2 ** 127 * 0.99609375, 0x7c00, 0x7eff],
  [0.10000000149011612, 0x2e66, 0x3dcd],
  [9.99994610111476e-41, 0x0000, 0x0001],
];

it('rounds f32 to 16 bits as PyTorch does', () => {
  const values = Float32Array.from(ROUNDED, ([value]) => value);
  expect(Array.from(float32ToFloat16(values))).toEqual(ROUNDED.map(([, bits]) => bits));
  expect(Array.from(float32ToBfloat16(values))).toEqual(ROUNDED.map(([, , bits]) => bits));
});

it('keeps NaN a NaN in float16', () => {
  expect(float16ToFloat32(float32ToFloat16(Float32Array.of(NaN)))).toEqual(Float32Array.of(NaN));
});

it('gives every finite 16-bit number its own bits back', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const half = all.filter((bits) => (bits & 0x7c00) !== 0x7c00);
  expect(float32ToFloat16(float16ToFloat32(half))).toEqual(half);
  const brain = all.filter((bits) => (bits & 0x7f80) !== 0x7f80);
  expect(float32ToBfloat16(bfloat16ToFloat32(brain))).toEqual(brain);
});
