// Normal values in bfloat16 from a counter: value i of a tensor depends on seed, name and i alone, so that a tensor can be
// written in pieces of any size. Fast enough that the disk is what limits.

const LEVELS = 65536;

/** Inverse of the normal distribution's cumulative function by Newton's method on its power series; p in (0, 1). */
function quantile(p) {
  if (p > 0.5) return -quantile(1 - p);
  // Abramowitz and Stegun 26.2.23, within 4.5e-4, is the first guess.
  const t = Math.sqrt(-2 * Math.log(p));
  let x = -(
    t -
    (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
  );
  for (let round = 0; round < 3; round++) {
    const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
    x -= (cumulative(x, density) - p) / density;
  }
  return x;
}

/** 0.5 + density * (x + x^3/3 + x^5/15 + ...): Abramowitz and Stegun 26.2.11. */
function cumulative(x, density) {
  let term = x;
  let sum = x;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + density * sum;
}

let standard = null;
/** The standard normal distribution as equally likely values, the largest 4.3 standard deviations out. */
function standardNormal() {
  standard ??= Float64Array.from({ length: LEVELS }, (_, i) => quantile((i + 0.5) / LEVELS));
  return standard;
}

/** Bits of the bfloat16 values of a normal distribution, rounded to nearest even. */
function bfloat16Table(mean, sd) {
  const values = new Float32Array(LEVELS);
  const bits = new Uint32Array(values.buffer);
  const table = new Uint16Array(LEVELS);
  for (const [i, z] of standardNormal().entries()) {
    values[i] = mean + sd * z;
    table[i] = (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
  }
  return table;
}

/** A 32-bit key of a text (FNV-1a). */
function keyOf(text, start) {
  let hash = start >>> 0;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/**
 * The values of one tensor.
 * @param {{name: string, mean: number, sd: number}} tensor
 * @param {number} seed
 * @returns {(out: Uint32Array, first: number, count: number) => void} puts words first, first + 1, ... of the tensor
 *   into out[0..count); a word is two bfloat16 values
 */
export function valuesOf({ name, mean, sd }, seed) {
  const table = bfloat16Table(mean, sd);
  const before = keyOf(name, 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1));
  const between = keyOf(name, before ^ 0x5bd1e995);
  return (out, first, count) => {
    for (let i = 0; i < count; i++) {
      // Two rounds of a 32-bit mix, with a key before each: tensors that share a counter share nothing else.
      let x = (first + i + before) | 0;
      x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
      x = Math.imul(x ^ (x >>> 15), 0x735a2d97) ^ between;
      x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
      x ^= x >>> 13;
      out[i] = table[x & 0xffff] | (table[x >>> 16] << 16);
    }
  };
}
