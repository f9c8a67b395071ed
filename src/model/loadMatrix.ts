// Checkpoint tensors to GPU buffers, piece by piece: never a whole matrix on the host, never more under way than the
// GPU has taken. Matrices that share an input are stacked by rows, so that one product serves them.

import { widenToF32 } from '../formats/safetensors';
import { DTYPE_BYTES } from '../formats/safetensorsHeader';
import type { WeightFiles } from '../formats/weightFiles';
import { largestBinding } from '../gpu/device';
import type { Gpu } from '../gpu/gpu';
import type { Tensor } from '../gpu/tensor';
import type { FrozenMatrix, MatrixPart, WeightStorage } from '../ops/matmul';
import { STORAGE_BITS, type StorageOptions } from './baseStorage';
import { allocateParts, checkSize, layMatrix, type MatrixLayout, type MatrixRequest } from './matrixLayout';
import type { PartPlan } from './matrixParts';
import { convertPiece, discard, PIECE_BYTES, type Piece } from './pieces';
import { createQuantizer, type Nf4Part, type Quantizer } from './quantizePieces';

export interface MatrixLoader {
  /** @throws weights.tensorMissing, weights.shape, weights.nonFinite, weights.range, gpu.bufferTooLarge */
  matrix(request: MatrixRequest): Promise<FrozenMatrix>;
  /** Concatenates vectors (norm weights, biases) in f32. Throws as `matrix`. */
  vector(tensors: readonly { name: string; size: number }[]): Promise<Tensor>;
  /** The GPU was found to round differently: the CPU quantizes. */
  readonly quantizesOnCpu: boolean;
  /** Frees what loading needed. */
  close(): void;
}

export interface LoaderOptions {
  storage: StorageOptions;
  /** Largest buffer to make, in bytes; by default what the device binds. */
  limitBytes?: number;
  /** Quantize on the CPU from the start. */
  quantizeOnCpu?: boolean;
  /** false: the GPU's rounding is not tried and what it leaves is not checked, for devices that compute nothing. */
  verifyQuantization?: boolean;
}

type PlainStorage = Exclude<WeightStorage, 'nf4'>;

/** `writeBuffer` takes whole words; only the end of a matrix can need a fill. */
function wholeWords(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length % 4 === 0) return bytes;
  const out = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  out.set(bytes);
  return out;
}

type WritePiece<P> = (part: P, to: number, name: string, piece: Piece) => Promise<void>;

export function createMatrixLoader(gpu: Gpu, weights: WeightFiles, options: LoaderOptions): MatrixLoader {
  const { storage: chosen, limitBytes = largestBinding(gpu.device.limits) } = options;
  const { queue } = gpu.device;
  let quantizer: Quantizer | undefined;
  /** Of the piece before, which the queue has copied. */
  let memory: ArrayBuffer | undefined;
  const quantizerOf = (doubleQuant: boolean) =>
    (quantizer ??= createQuantizer(gpu, {
      doubleQuant,
      dtypes: new Set(weights.names().map((name) => weights.dtype(name))),
      onCpu: options.quantizeOnCpu,
      verify: options.verifyQuantization,
    }));

  /** Reads the plans' elements in order; waits until the GPU has taken the piece before the last one. */
  const stream = async <P>(
    request: MatrixRequest,
    plans: readonly PartPlan[],
    parts: readonly P[],
    write: WritePiece<P>,
  ): Promise<void> => {
    let taken: Promise<unknown> = Promise.resolve();
    for (const [i, { segments }] of plans.entries()) {
      for (const { tensor, from, count, to } of segments) {
        const { name } = request.tensors[tensor]!;
        const dtype = weights.dtype(name);
        const most = PIECE_BYTES / DTYPE_BYTES[dtype];
        for (let at = 0; at < count; at += most) {
          const bytes = await weights.readElements(name, from + at, from + Math.min(count, at + most), memory);
          await taken;
          await write(parts[i]!, to + at, name, { dtype, bytes });
          memory = bytes.buffer;
          queue.submit([]); // what writeBuffer left pending counts as submitted from here on
          taken = queue.onSubmittedWorkDone();
        }
      }
    }
    await taken;
  };

  const loadPlain = (request: MatrixRequest, layout: MatrixLayout, storage: PlainStorage) => {
    const parts = allocateParts(gpu, layout);
    const write: WritePiece<MatrixPart> = (part, to, name, piece) => {
      const bytes = wholeWords(convertPiece(name, piece, storage));
      queue.writeBuffer(part.data.buffer, (to * STORAGE_BITS[storage]) / 8, bytes);
      if (bytes !== piece.bytes) discard(bytes);
      return Promise.resolve();
    };
    return stream(request, layout.plans, parts, write).then(() => parts);
  };

  const loadNf4 = async (request: MatrixRequest, layout: MatrixLayout, own: Quantizer) => {
    const { plans } = layout;
    // Parts of nf4 have scales.
    const parts = allocateParts(gpu, layout) as Nf4Part[];
    await stream<Nf4Part>(request, plans, parts, (part, to, _, piece) => own.write(part, to, piece));
    const names = request.tensors.map(({ name }) => name);
    await own.finish(parts, plans, names);
    return parts;
  };

  return {
    async matrix(request) {
      const layout = layMatrix(weights, request, { storage: chosen, limitBytes });
      const { rows, columns, storage } = layout;
      const parts =
        storage === 'nf4' && chosen.nf4
          ? await loadNf4(request, layout, quantizerOf(chosen.nf4.doubleQuant))
          : await loadPlain(request, layout, storage as PlainStorage);
      return { rows, columns, storage, parts };
    },
    async vector(tensors) {
      const values: Float32Array[] = [];
      for (const { name, size } of tensors) {
        checkSize(weights, name, size);
        values.push(widenToF32(await weights.read(name)));
      }
      const out = new Float32Array(values.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const one of values) {
        out.set(one, at);
        at += one.length;
      }
      return gpu.persistent([out.length], out);
    },
    get quantizesOnCpu() {
      return quantizer?.onCpu ?? false;
    },
    close: () => quantizer?.close(),
  };
}
