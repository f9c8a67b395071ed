// Does this GPU quantize to NF4 to the bit? Tried before any weight, on blocks that tell: a reciprocal that is off by one
// unit, or a product that is rounded otherwise, moves the codes of many of their values.

import { float32ToBfloat16, float32ToFloat16, bfloat16ToFloat32, float16ToFloat32 } from '../formats/floats';
import { NF4_BLOCK, quantizeNf4 } from '../formats/nf4';
import { blocksAroundBounds } from '../formats/nf4Bounds';
import type { Gpu } from '../gpu/gpu';
import { withScope } from '../gpu/withScope';
import type { WeightStorage } from '../ops/matmul';
import { quantizeNf4Blocks } from '../ops/quantizeNf4';

type Storage = Exclude<WeightStorage, 'nf4'>;

/** Blocks for each exponent. */
const BLOCKS = 512;
/** Of the blocks' maxima: small, ordinary and large ones, as far as the type has them. */
const EXPONENTS: Record<Storage, readonly number[]> = {
  f32: [-120, -6, 0, 124],
  bf16: [-120, -6, 0, 124],
  f16: [-6, 0, 7],
};

/** Values as a storage type holds them, and its bytes as words. */
function stored(values: Float32Array<ArrayBuffer>, storage: Storage) {
  switch (storage) {
    case 'f32':
      return { values, words: new Uint32Array(values.buffer) };
    case 'bf16': {
      const bits = float32ToBfloat16(values);
      return { values: bfloat16ToFloat32(bits), words: new Uint32Array(bits.buffer) };
    }
    case 'f16': {
      const bits = float32ToFloat16(values);
      return { values: float16ToFloat32(bits), words: new Uint32Array(bits.buffer) };
    }
    default:
      return storage satisfies never;
  }
}

/** Whether codes and maxima are those of the CPU. */
async function agrees({ rec }: Pick<Gpu, 'rec'>, storage: Storage, exponent: number): Promise<boolean> {
  const { values, words } = stored(blocksAroundBounds(BLOCKS, exponent), storage);
  const [codes, maxima] = await withScope(rec, async (scope) => {
    // What a kernel leaves out must not look like an answer.
    const tensors = {
      w: scope.upload(words),
      codes: scope.upload(new Uint32Array((BLOCKS * NF4_BLOCK) / 8).fill(0x7fc00000)),
      maxima: scope.upload(new Float32Array(BLOCKS).fill(-1)),
    };
    quantizeNf4Blocks(rec, tensors, { storage, blocks: BLOCKS, firstBlock: 0 });
    return rec.read(tensors.codes, tensors.maxima);
  });
  const want = quantizeNf4(values);
  const got = { packed: new Uint8Array(codes), maxima: new Float32Array(maxima) };
  return want.packed.every((byte, i) => byte === got.packed[i]) && want.maxima.every((one, i) => one === got.maxima[i]);
}

/**
 * Quantizes blocks that tell on the GPU and compares every byte with the CPU's.
 * @param storages types that weights will have; f32 is tried too, whose values lie closest to the bounds
 * @returns false when one byte differs @throws as Recorder.read
 */
export async function quantizesExactly(gpu: Pick<Gpu, 'rec'>, storages: readonly Storage[]): Promise<boolean> {
  for (const storage of new Set<Storage>(['f32', ...storages])) {
    for (const exponent of EXPONENTS[storage]) if (!(await agrees(gpu, storage, exponent))) return false;
  }
  return true;
}
