// @vitest-environment node
// Beside bitsandbytes' own bytes (e2e/reference/nf4, made by tools/reference).

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DYNAMIC_MAP, quantizeMaxima, restoreMaxima } from './doubleQuant';
import { dequantizeNf4, NF4_LEVELS, quantizeNf4 } from './nf4';
import { parseSafetensors, widenToF32 } from './safetensors';

const file = new URL('../../e2e/reference/nf4/matrices.safetensors', import.meta.url);
const { tensors } = parseSafetensors(new Uint8Array(readFileSync(file)));
const floats = (name: string) => widenToF32(tensors.get(name)!);
const bytes = (name: string) => tensors.get(name)!.bytes.slice();
const matrices = [...tensors.keys()].filter((key) => key.endsWith('.weight')).map((key) => key.slice(0, -7));

describe('4 bits', () => {
  it('have the levels of bitsandbytes', () => {
    expect(NF4_LEVELS).toEqual(floats('code16'));
  });

  it.each(matrices)('of %s are the bytes of bitsandbytes', (name) => {
    const { packed, maxima } = quantizeNf4(floats(`${name}.weight`));
    expect(packed).toEqual(bytes(`${name}.packed`));
    expect(maxima).toEqual(floats(`${name}.block_absmax`));
  });

  it.each(matrices)('of %s stand for the values that the format says', (name) => {
    const want = floats(`${name}.dequantized`);
    const got = dequantizeNf4(bytes(`${name}.packed`), floats(`${name}.absmax_dequantized`), want.length);
    expect(got).toEqual(want);
  });
});

describe('double quantization', () => {
  it('has the table of bitsandbytes', () => {
    expect(DYNAMIC_MAP).toEqual(floats('code256'));
  });

  it.each(matrices)('of %s gives the codes of bitsandbytes, and its scales but for the rounding of a mean', (name) => {
    const got = quantizeMaxima(floats(`${name}.block_absmax`));
    expect(got.codes).toEqual(bytes(`${name}.absmax_code`));
    const want = floats(`${name}.absmax_dequantized`);
    const restored = restoreMaxima(got);
    const largest = restored.reduce((worst, one, i) => Math.max(worst, Math.abs(one / want[i]! - 1)), 0);
    expect(largest).toBeLessThan(1e-6);
  });

  it('restores the scales from its parts to the bit', () => {
    for (const name of matrices) {
      const parts = { codes: bytes(`${name}.absmax_code`), nested: floats(`${name}.nested_absmax`) };
      const restored = restoreMaxima({ ...parts, offset: floats(`${name}.offset`)[0]! });
      expect(restored).toEqual(floats(`${name}.absmax_dequantized`));
    }
  });
});
