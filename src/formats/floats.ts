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

/**
 * Index of the first element whose exponent bits are all ones (NaN or infinity), or -1.
 * @param bits the elements' bit patterns @param exponentMask e.g. 0x7f800000 for f32, 0x7f80 for bf16, 0x7c00 for f16
 */
export function firstNonFinite(bits: Uint16Array | Uint32Array, exponentMask: number): number {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponentMask) === exponentMask) return i;
  return -1;
}
