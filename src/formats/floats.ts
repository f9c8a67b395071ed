// Bit-level conversions of 16-bit floats and the scan for NaN and infinity. Must not know any file format.

/** IEEE half-precision bit patterns to f32, exact (NaN payloads are not kept). */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const exponent = (bits[i]! >> 10) & 0x1f;
    const fraction = bits[i]! & 0x3ff;
    const sign = bits[i]! & 0x8000 ? -1 : 1;
    if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) out[i] = fraction ? NaN : sign * Infinity;
    else out[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return out;
}

/** bfloat16 bit patterns to f32, exact: a bfloat16 is the upper half of an f32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i]! << 16;
  return new Float32Array(out.buffer);
}

/** f32 to the nearest bfloat16 bit patterns, ties to even; finite values only. */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = (bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) >>> 16;
  return out;
}

/**
 * f32 to the nearest IEEE half-precision bit patterns, ties to even; from 65,520 on infinity. NaN stays NaN (its payload is
 * not kept).
 */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = halfOf(bits[i]!);
  return out;
}

/** Patterns of f32: infinity, 65,520, 2^-14 (f16's smallest normal number) and 2^-25 (half of its smallest one). */
const F32 = { infinity: 0x7f800000, tooLarge: 0x477ff000, normal: 0x38800000, zero: 0x33000000 };

/** The half-precision pattern of an f32's. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > F32.infinity) return sign | 0x7e00;
  if (size >= F32.tooLarge) return sign | 0x7c00;
  // Exponents differ by 127 - 15, fractions by 13 bits. A carry into the exponent is right as it is.
  if (size >= F32.normal) return sign | ((size - (112 << 23) + 0xfff + ((size >>> 13) & 1)) >>> 13);
  if (size <= F32.zero) return sign;
  // Subnormal: the fraction, its leading one included, in steps of 2^-24.
  const drop = 126 - (size >>> 23);
  const whole = (size & 0x7fffff) | 0x800000;
  return sign | ((whole + (1 << (drop - 1)) - 1 + ((whole >>> drop) & 1)) >>> drop);
}

/**
 * Index of the first element whose exponent bits are all ones (NaN or infinity), or -1.
 * @param bits the elements' bit patterns @param exponentMask e.g. 0x7f800000 for f32, 0x7f80 for bf16, 0x7c00 for f16
 */
export function firstNonFinite(bits: Uint16Array | Uint32Array, exponentMask: number): number {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponentMask) === exponentMask) return i;
  return -1;
}
