import { describe, expect, it } from 'vitest';
import { bytesOf } from '../base/bytes';
import { quantizeMaxima, restoreMaxima } from '../formats/doubleQuant';
import { bfloat16ToFloat32, float32ToBfloat16 } from '../formats/floats';
import { dequantizeNf4, NF4_BLOCK, quantizeNf4 } from '../formats/nf4';
import { writeSafetensors } from '../formats/safetensors';
import { openWeights, type WeightFiles } from '../formats/weightFiles';
import type { Gpu } from '../gpu/gpu';
import { withGpu, type GpuBench } from '../gpu/testGpu';
import { linear, linearBackwardInput } from '../ops/cpuReference/linear';
import { allColumns, matmulNN, matmulNT, type FrozenMatrix } from '../ops/matmul';
import { expectTensor } from '../ops/testing/expectTensor';
import { testValues } from '../ops/testValues';
import type { StorageOptions } from './baseStorage';
import { createMatrixLoader, type LoaderOptions } from './loadMatrix';
import { PIECE_BYTES } from './pieces';

interface Stack {
  rows: number[];
  columns: number;
}

/** Seeded values of each tensor, exactly representable in bfloat16. */
function valuesOf({ rows, columns }: Stack): Float32Array<ArrayBuffer>[] {
  return rows.map((count, i) =>
    bfloat16ToFloat32(float32ToBfloat16(Float32Array.from(testValues(count * columns, i)))),
  );
}

/** A checkpoint with tensors t0, t1, ... @param dtypes of each */
function checkpoint(stack: Stack, dtypes: ('BF16' | 'F32')[] = []): Promise<WeightFiles> {
  const tensors = valuesOf(stack).map((values, i) => {
    const dtype = dtypes[i] ?? 'BF16';
    const bytes = bytesOf(dtype === 'BF16' ? float32ToBfloat16(values) : values);
    return { name: `t${i}`, dtype, shape: [stack.rows[i]!, stack.columns], bytes };
  });
  return openWeights({ 'model.safetensors': new Blob([writeSafetensors(tensors)]) });
}

const request = ({ rows, columns }: Stack) => ({
  tensors: rows.map((count, i) => ({ name: `t${i}`, rows: count })),
  columns,
  linear: true,
});

async function load(gpu: Gpu, stack: Stack, options: LoaderOptions, weights?: WeightFiles): Promise<FrozenMatrix> {
  const loader = createMatrixLoader(gpu, weights ?? (await checkpoint(stack)), options);
  try {
    return await loader.matrix(request(stack));
  } finally {
    loader.close();
  }
}

function free(gpu: Gpu, { parts }: FrozenMatrix): void {
  for (const { data, scales } of parts) gpu.free(data, ...(scales ? [scales] : []));
}

const AUTO: StorageOptions = { dtype: 'auto', nf4: null };
const NF4: StorageOptions = { dtype: 'auto', nf4: { doubleQuant: true } };

/** Values that the parts of an nf4 matrix stand for, in the order of rows. */
async function nf4Values({ read, readU32 }: GpuBench, { parts, columns }: FrozenMatrix): Promise<number[]> {
  const out: number[] = [];
  for (const { data, scales, rows } of parts) {
    const [words] = await readU32(data);
    const [maxima] = await read(scales!);
    out.push(...dequantizeNf4(new Uint8Array(words.buffer), maxima, rows * columns));
  }
  return out;
}

/** The same by the CPU alone: every tensor in blocks of its own. */
function expectedNf4(stack: Stack, doubleQuant: boolean): number[] {
  return valuesOf(stack).flatMap((values) => {
    const { packed, maxima } = quantizeNf4(values);
    const scales = doubleQuant ? restoreMaxima(quantizeMaxima(maxima)) : maxima;
    return Array.from(dequantizeNf4(packed, scales, values.length));
  });
}

describe('the storage type', () => {
  const STACK = { rows: [4, 8], columns: 4 };
  it.each<[string, StorageOptions['dtype'], ('BF16' | 'F32')[], 'f32' | 'bf16' | 'f16']>([
    ['as stored', 'auto', [], 'bf16'],
    ['widened where the tensors are stored in two types', 'auto', ['BF16', 'F32'], 'f32'],
    ['as float32', 'float32', [], 'f32'],
    ['as bfloat16', 'bfloat16', ['F32', 'BF16'], 'bf16'],
    ['as float16', 'float16', [], 'f16'],
  ])('stacks matrices %s', async (_, dtype, dtypes, storage) => {
    await withGpu('software', async (bench) => {
      const { gpu, rec, input, output, read } = bench;
      const weights = await checkpoint(STACK, dtypes);
      const matrix = await load(gpu, STACK, { storage: { dtype, nf4: null } }, weights);
      expect(matrix).toMatchObject({ rows: 12, columns: 4, storage });
      // Products with unit vectors give the values back.
      const unit = Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
      const y = output([4, 12]);
      matmulNT(rec, { x: allColumns(input(unit, [4, 4])), w: matrix, y: allColumns(y) }, { m: 4 });
      const [got] = await read(y);
      const values = valuesOf(STACK).flatMap((one) => Array.from(one));
      expect(Array.from(got)).toEqual(Array.from(got, (_, i) => values[(i % 12) * 4 + Math.floor(i / 12)]));
      free(gpu, matrix);
    });
  });
});

describe('a matrix beyond one binding', () => {
  const STACK = { rows: [152, 48, 101], columns: 20 };
  const limits = { f32: 128 * 20 * 4 + 100, bf16: 20 * 16 * 2, nf4: 32 * 10 };

  it.each(['f32', 'bf16', 'nf4'] as const)('is cut between rows, %s', async (storage) => {
    const choice: StorageOptions =
      storage === 'nf4' ? NF4 : { dtype: storage === 'f32' ? 'float32' : 'bfloat16', nf4: null };
    await withGpu('software', async (bench) => {
      const { gpu, rec, input, output, read } = bench;
      const [n, k, m] = [301, 20, 5];
      const whole = await load(gpu, STACK, { storage: choice });
      const cut = await load(gpu, STACK, { storage: choice, limitBytes: limits[storage] });
      expect(cut.parts.length).toBeGreaterThan(whole.parts.length);
      for (const { data } of cut.parts) expect(data.buffer.size).toBeLessThanOrEqual(limits[storage]);
      const x = testValues(m * k, 8);
      const dy = testValues(m * n, 9);
      const wide = new Float32Array(m * 304);
      for (let i = 0; i < dy.length; i++) wide[Math.floor(i / n) * 304 + (i % n)] = dy[i]!;
      const results = [whole, cut].map((w) => {
        const [y, dx] = [output([m, 304]), output([m, k])];
        matmulNT(rec, { x: allColumns(input(x, [m, k])), w, y: allColumns(y) }, { m });
        matmulNN(rec, { x: allColumns(input(wide, [m, 304])), w, y: allColumns(dx) }, { m });
        return [y, dx] as const;
      });
      const [wholeY, cutY] = await read(results[0]![0], results[1]![0]);
      const logits = (y: Float32Array) => y.filter((_, i) => i % 304 < n);
      expect(logits(cutY)).toEqual(logits(wholeY));
      const values = storage === 'nf4' ? expectedNf4(STACK, true) : valuesOf(STACK).flatMap((one) => Array.from(one));
      const shape = { rows: m, inWidth: k, outWidth: n };
      expectTensor('NT', logits(cutY), linear(x, values, null, shape), [m, n]);
      for (const [, dx] of results) {
        expectTensor('NN', (await read(dx))[0], linearBackwardInput(dy, values, shape), [m, k]);
      }
      free(gpu, whole);
      free(gpu, cut);
    });
  });

  it('is named where not even a few rows fit', async () => {
    await withGpu('software', async ({ gpu }) => {
      await expect(load(gpu, STACK, { storage: AUTO, limitBytes: 500 })).rejects.toMatchObject({
        code: 'gpu.bufferTooLarge',
        message: expect.stringContaining('tensor t0 has rows of 20 numbers') as string,
      });
    });
  });
});

describe('4 bits', () => {
  it.each([
    ['whole blocks stacked', { rows: [64, 16, 16], columns: 20 }, true, 1],
    ['blocks that begin with each tensor', { rows: [4, 8, 12], columns: 20 }, true, 3],
    ['maxima in f32', { rows: [64, 16], columns: 36 }, false, 1],
  ] as const)('keep %s', async (_, shape, doubleQuant, parts) => {
    const stack = { rows: [...shape.rows], columns: shape.columns };
    await withGpu('software', async (bench) => {
      for (const quantizeOnCpu of [false, true]) {
        const matrix = await load(bench.gpu, stack, {
          storage: { dtype: 'auto', nf4: { doubleQuant } },
          quantizeOnCpu,
        });
        expect(matrix.parts).toHaveLength(parts);
        expect(await nf4Values(bench, matrix)).toEqual(expectedNf4(stack, doubleQuant));
        free(bench.gpu, matrix);
      }
    });
  });

  it('are computed by the CPU where the GPU computes them otherwise', async () => {
    const stack = { rows: [64, 16], columns: 36 };
    await withGpu('software', async (bench) => {
      // A GPU whose kernel writes nothing.
      const idle = { ...bench.gpu, rec: { ...bench.gpu.rec, dispatch: () => {} } };
      const loader = createMatrixLoader(idle, await checkpoint(stack), { storage: NF4 });
      expect(loader.quantizesOnCpu).toBe(false);
      const matrix = await loader.matrix(request(stack));
      expect(loader.quantizesOnCpu).toBe(true);
      expect(await nf4Values(bench, matrix)).toEqual(expectedNf4(stack, true));
      loader.close();
      free(bench.gpu, matrix);
    });
  });
});

describe('4 bits of a GPU that', () => {
  const stack = { rows: [64, 16], columns: 36 };
  const NEAREST = '2u * rest > mantissa';

  it('rounds reciprocals down instead of to the nearest are computed by the CPU from the first matrix on', async () => {
    await withGpu('software', async (bench) => {
      const { rec } = bench.gpu;
      const dispatch: typeof rec.dispatch = (kernel, call) => {
        expect(kernel.source).toContain(NEAREST);
        rec.dispatch({ name: `rounding down ${kernel.name}`, source: kernel.source.replace(NEAREST, 'false') }, call);
      };
      const loader = createMatrixLoader({ ...bench.gpu, rec: { ...rec, dispatch } }, await checkpoint(stack), {
        storage: NF4,
      });
      const matrix = await loader.matrix(request(stack));
      expect(loader.quantizesOnCpu).toBe(true);
      expect(await nf4Values(bench, matrix)).toEqual(expectedNf4(stack, true));
      loader.close();
      free(bench.gpu, matrix);
    });
  });

  it('rounds as it should are its own', async () => {
    await withGpu('software', async ({ gpu }) => {
      const loader = createMatrixLoader(gpu, await checkpoint(stack), { storage: NF4 });
      free(gpu, await loader.matrix(request(stack)));
      expect(loader.quantizesOnCpu).toBe(false);
      loader.close();
    });
  });
});

it.each([false, true])('4 bits name the tensor of a weight that has no reciprocal (CPU: %s)', async (quantizeOnCpu) => {
  const stack = { rows: [64, 16], columns: 20 };
  const tensors = valuesOf(stack).map((values, i) => {
    if (i === 1) values[150] = -(2 ** 125);
    return { name: `t${i}`, dtype: 'F32' as const, shape: [stack.rows[i]!, 20], bytes: bytesOf(values) };
  });
  const weights = await openWeights({ 'model.safetensors': new Blob([writeSafetensors(tensors)]) });
  await withGpu('software', async ({ gpu }) => {
    await expect(load(gpu, stack, { storage: NF4, quantizeOnCpu }, weights)).rejects.toMatchObject({
      code: 'weights.range',
      message: expect.stringContaining(`tensor t1 holds a weight of magnitude ${2 ** 125}`) as string,
    });
  });
});

describe('a large tensor', () => {
  const COLUMNS = 1024;
  const rows = (3 * PIECE_BYTES) / (2 * COLUMNS);

  /** Three pieces of bf16, the same megabyte named often; counts what is read. */
  async function large() {
    const head = writeSafetensors([{ name: 'x', dtype: 'BF16', shape: [1], bytes: new Uint8Array(2) }]);
    const json = `{"t0":{"dtype":"BF16","shape":[${rows},${COLUMNS}],"data_offsets":[0,${rows * COLUMNS * 2}]}}`;
    const length = Math.ceil(json.length / 8) * 8;
    const prefix = head.slice(0, 8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(length), true);
    const megabyte = bytesOf(float32ToBfloat16(Float32Array.from(testValues(2 ** 19, 1))));
    const body = Array.from({ length: (rows * COLUMNS * 2) / 2 ** 20 }, () => megabyte);
    const weights = await openWeights({ 'model.safetensors': new Blob([prefix, json.padEnd(length), ...body]) });
    const reads: number[] = [];
    const counted: WeightFiles = {
      ...weights,
      readElements: (name, from, to, memory) => {
        reads.push((to - from) * 2);
        return weights.readElements(name, from, to, memory);
      },
    };
    return { counted, reads };
  }

  it('is read in pieces, and not beyond the piece that the GPU has not taken yet', async () => {
    await withGpu('software', async ({ gpu }) => {
      const { counted, reads } = await large();
      let takes: (() => void)[] = [];
      const queue = {
        submit: () => {},
        writeBuffer: () => {},
        onSubmittedWorkDone: () => new Promise<void>((resolve) => takes.push(resolve)),
      };
      const device = { limits: gpu.device.limits, queue } as unknown as GPUDevice;
      const stack = { rows: [rows], columns: COLUMNS };
      const loading = load({ ...gpu, device }, stack, { storage: { dtype: 'bfloat16', nf4: null } }, counted);
      const seen: number[] = [];
      for (let piece = 0; piece < 3; piece++) {
        await expect.poll(() => takes.length).toBe(1);
        await new Promise((resolve) => setTimeout(resolve));
        seen.push(reads.length);
        const [take] = takes;
        takes = [];
        take!();
      }
      free(gpu, await loading);
      expect(seen).toEqual([2, 3, 3]);
      expect(reads).toEqual([PIECE_BYTES, PIECE_BYTES, PIECE_BYTES]);
    });
  });

  it('gives the same 4 bits in pieces as at once', async () => {
    await withGpu('software', async (bench) => {
      const { counted } = await large();
      const stack = { rows: [rows], columns: COLUMNS };
      const matrix = await load(bench.gpu, stack, { storage: { dtype: 'auto', nf4: { doubleQuant: false } } }, counted);
      const [words] = await bench.readU32(matrix.parts[0]!.data);
      const megabyte = bfloat16ToFloat32(float32ToBfloat16(Float32Array.from(testValues(2 ** 19, 1))));
      const want = new Uint32Array(quantizeNf4(megabyte).packed.buffer);
      const megabytes = (3 * PIECE_BYTES) / 2 ** 20;
      expect(words.length).toBe(want.length * megabytes);
      for (let i = 0; i < megabytes; i++) {
        const differs = want.findIndex((word, at) => word !== words[i * want.length + at]);
        expect(differs, `megabyte ${i}`).toBe(-1);
      }
      expect(matrix.parts[0]!.scales!.shape).toEqual([(rows * COLUMNS) / NF4_BLOCK]);
      free(bench.gpu, matrix);
    });
  });
});

it('names a tensor that config.json has in another size', async () => {
  await withGpu('software', async ({ gpu }) => {
    const loader = createMatrixLoader(gpu, await checkpoint({ rows: [5], columns: 4 }), { storage: AUTO });
    await expect(loader.matrix(request({ rows: [6], columns: 4 }))).rejects.toMatchObject({
      code: 'weights.shape',
      message: 'tensor t0 is (5, 4), config.json asks for 24 elements',
    });
  });
});
