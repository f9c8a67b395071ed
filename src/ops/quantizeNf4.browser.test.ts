import { describe, expect, it } from 'vitest';
import { NF4_BLOCK, quantizeNf4 } from '../formats/nf4';
import { withGpu } from '../gpu/testGpu';
import { bfloat16ToFloat32, float16ToFloat32 } from '../formats/floats';
import { blocksAroundBounds } from '../formats/nf4Bounds';
import { quantizeNf4Blocks } from './quantizeNf4';
import { packHalves } from './testing/storedWeights';
import { testValues } from './testValues';

const UNTOUCHED = 0x7fc00000;

/** Quantizes f32 values on the GPU; one block before and one behind must stay as they are. */
async function onGpu(values: Float32Array, storage: 'f32' | 'bf16' | 'f16' = 'f32', words?: Uint32Array) {
  const blocks = values.length / NF4_BLOCK;
  let out: { codes: Uint32Array; maxima: Float32Array } | undefined;
  await withGpu('software', async ({ rec, input, read, readU32 }) => {
    const codes = input(new Uint32Array((blocks + 2) * 8).fill(UNTOUCHED));
    const maxima = input(new Float32Array(blocks + 2).fill(7.5));
    quantizeNf4Blocks(rec, { w: input(words ?? values), codes, maxima }, { storage, blocks, firstBlock: 1 });
    const [gotCodes] = await readU32(codes);
    const [gotMaxima] = await read(maxima);
    const around = [...gotCodes.slice(0, 8), ...gotCodes.slice(-8)];
    expect(new Set(around)).toEqual(new Set([UNTOUCHED]));
    expect([gotMaxima[0], gotMaxima.at(-1)]).toEqual([7.5, 7.5]);
    out = { codes: gotCodes.slice(8, -8), maxima: gotMaxima.slice(1, -1) };
  });
  return out!;
}

function expectEqual(got: { codes: Uint32Array; maxima: Float32Array }, values: Float32Array): void {
  const want = quantizeNf4(values);
  const bytes = new Uint8Array(got.codes.buffer, got.codes.byteOffset, got.codes.byteLength);
  const differs = want.packed.findIndex((byte, i) => byte !== bytes[i]);
  const block = Math.floor(differs / 32);
  expect(differs, `byte ${differs}, in a block with the maximum ${want.maxima[block]}`).toBe(-1);
  expect(got.maxima).toEqual(want.maxima);
}

describe('quantizeNf4Blocks', () => {
  it.each([-120, -30, -6, 0, 7, 124])(
    'rounds as the CPU does where codes change, for maxima around 2^%i',
    async (e) => {
      const values = blocksAroundBounds(4096, e);
      expectEqual(await onGpu(values), values);
    },
  );

  it('takes zeros, powers of two, one outlier, equal values, and subnormal blocks for zeros', async () => {
    const block = (value: (i: number) => number) => Array.from({ length: NF4_BLOCK }, (_, i) => value(i));
    const values = Float32Array.from([
      ...block(() => 0),
      ...block((i) => (i % 2 ? -0 : 0)),
      ...block((i) => 2 ** (i % 7) * (i % 3 ? 1 : -1)),
      ...block((i) => (i === 5 ? 4 : 0.01)),
      ...block(() => 0.01),
      ...block(() => -0.01),
      ...block((i) => i * 1e-41),
      ...block((i) => (i - 32) * 1e36),
    ]);
    expectEqual(await onGpu(values), values);
  });

  it.each(['bf16', 'f16'] as const)('reads %s weights', async (storage) => {
    const bits = Uint16Array.from(testValues(64 * NF4_BLOCK, 3, 0, 65536), (one) => Math.floor(one) & 0xbbff);
    const values = (storage === 'bf16' ? bfloat16ToFloat32 : float16ToFloat32)(bits);
    expectEqual(await onGpu(values, storage, packHalves(bits)), values);
  });
});
