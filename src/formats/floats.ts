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

/** The nearest integer, of two the even one. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** f32 to the nearest IEEE half-precision bit patterns, ties to even; from 65,520 on infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, (value) => {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    const size = Math.abs(value);
    if (size >= 65520) return sign | 0x7c00;
    // Below 2^-14 steps are 2^-24; above, 2^-10 of the power of two. A carry into the exponent is right as it is.
    if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
    const exponent = Math.floor(Math.log2(size));
    return sign | (((exponent + 14) << 10) + roundToEven(size * 2 ** (10 - exponent)));
  });
}

/**
 * Index of the first element whose exponent bits are all ones (NaN or infinity), or -1.
 * @param bits the elements' bit patterns @param exponentMask e.g. 0x7f800000 for f32, 0x7f80 for bf16, 0x7c00 for f16
 */
export function firstNonFinite(bits: Uint16Array | Uint32Array, exponentMask: number): number {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponentMask) === exponentMask) return i;
  return -1;
}
