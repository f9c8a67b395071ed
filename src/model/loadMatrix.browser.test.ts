import { expect, it } from 'vitest';
import { bytesOf } from '../base/bytes';
import { bfloat16ToFloat32 } from '../formats/floats';
import { writeSafetensors } from '../formats/safetensors';
import { openWeights, type WeightFiles } from '../formats/weightFiles';
import type { Gpu } from '../gpu/gpu';
import { withGpu } from '../gpu/testGpu';
import { loadMatrix, type StoragePolicy } from './loadMatrix';

const COLUMNS = 4;
const ROWS = [3, 5];
const PARTS = [
  { name: 'a', rows: ROWS[0]! },
  { name: 'b', rows: ROWS[1]! },
];
const COUNT = (ROWS[0]! + ROWS[1]!) * COLUMNS;
/** bf16 patterns of 1, 1.0078125, ... */
const bits = Uint16Array.from({ length: COUNT }, (_, i) => 0x3f80 + i);
const values = Array.from(bits, (one) => bfloat16ToFloat32(Uint16Array.of(one))[0]);

/** `a` in bf16, `b` in bf16 or f32. */
function checkpoint(dtypeB: 'BF16' | 'F32' = 'BF16'): Promise<WeightFiles> {
  const split = ROWS[0]! * COLUMNS;
  const b = dtypeB === 'BF16' ? bits.slice(split) : Float32Array.from(values.slice(split));
  const file = writeSafetensors([
    { name: 'a', dtype: 'BF16', shape: [ROWS[0]!, COLUMNS], bytes: bytesOf(bits.slice(0, split)) },
    { name: 'b', dtype: dtypeB, shape: [ROWS[1]!, COLUMNS], bytes: bytesOf(b) },
  ]);
  return openWeights({ 'model.safetensors': new Blob([file]) });
}

/** The same engine on a device that binds less. */
function binding(gpu: Gpu, bytes: number): Gpu {
  const limits = { maxStorageBufferBindingSize: bytes, maxBufferSize: 2 ** 30 };
  return { ...gpu, device: { limits } as unknown as GPUDevice };
}

it.each<[string, StoragePolicy, number, 'BF16' | 'F32', 'f32' | 'bf16']>([
  ['widened where one buffer holds that', 'f32', COUNT * 4, 'BF16', 'f32'],
  ['as stored where it does not', 'f32', COUNT * 4 - 1, 'BF16', 'bf16'],
  ['as stored where that is asked for', 'stored', COUNT * 4, 'BF16', 'bf16'],
  ['widened where the parts are stored in two types', 'stored', COUNT * 4, 'F32', 'f32'],
])('stacks matrices %s', async (_, policy, limit, dtypeB, storage) => {
  await withGpu('software', async ({ gpu, read, readU32 }) => {
    const matrix = await loadMatrix(binding(gpu, limit), await checkpoint(dtypeB), PARTS, COLUMNS, policy);
    expect(matrix).toMatchObject({ rows: 8, columns: COLUMNS, storage });
    if (storage === 'f32') {
      expect(Array.from((await read(matrix.data))[0])).toEqual(values);
    } else {
      const [words] = await readU32(matrix.data);
      expect(Array.from(new Uint16Array(words.buffer))).toEqual(Array.from(bits));
    }
    gpu.free(matrix.data);
  });
});

it('names the matrix that no buffer holds', async () => {
  await withGpu('software', async ({ gpu }) => {
    const load = async () => loadMatrix(binding(gpu, COUNT * 2 - 1), await checkpoint(), PARTS, COLUMNS, 'f32');
    await expect(load()).rejects.toMatchObject({
      code: 'gpu.bufferTooLarge',
      message: expect.stringContaining('tensor a needs 64 bytes in one buffer; this device binds at most 63') as string,
    });
  });
});

it('names a tensor that config.json has in another size', async () => {
  await withGpu('software', async ({ gpu }) => {
    const load = async () => loadMatrix(gpu, await checkpoint(), [{ name: 'b', rows: 6 }], COLUMNS, 'stored');
    await expect(load()).rejects.toMatchObject({
      code: 'weights.shape',
      message: 'tensor b is (5, 4), config.json asks for 24 elements',
    });
  });
});
