// Linears in NF4: pieces are quantized on the GPU, once it has shown that it rounds as WGSL says. Where it does not, the
// CPU quantizes everything: the bytes are the same on every machine.

import { bytesOf } from '../base/bytes';
import { check } from '../base/errors';
import { quantizeMaxima, restoreMaxima } from '../formats/doubleQuant';
import { NF4_BLOCK, quantizeNf4 } from '../formats/nf4';
import { DTYPE_BYTES, type SafeDtype } from '../formats/safetensorsHeader';
import type { Gpu } from '../gpu/gpu';
import type { Tensor } from '../gpu/tensor';
import type { MatrixPart } from '../ops/matmul';
import { quantizesExactly } from './nf4SelfTest';
import { quantizeNf4Blocks } from '../ops/quantizeNf4';
import { STORED } from './baseStorage';
import type { PartPlan } from './matrixParts';
import { discard, PIECE_BYTES, valuesOf, type Piece } from './pieces';

const WORDS_PER_BLOCK = NF4_BLOCK / 8;
/** From here on a block's reciprocal is no normal number, which a GPU may take for 0. */
const TOO_LARGE = 2 ** 125;

export interface Nf4Part extends MatrixPart {
  scales: Tensor;
}

export interface Quantizer {
  /**
   * Quantizes a piece that begins at a block. The first call tries the GPU.
   * @param to its first element within the part @throws safetensors.dtype
   */
  write(part: Nf4Part, to: number, piece: Piece): Promise<void>;
  /** Ends a matrix. @param names of its tensors @throws weights.range for weights beyond NF4's range */
  finish(parts: readonly Nf4Part[], plans: readonly PartPlan[], names: readonly string[]): Promise<void>;
  /** The CPU quantizes; known from the first piece on. */
  readonly onCpu: boolean;
  close(): void;
}

/** Puts the maxima of each tensor through double quantization. @param maxima of each part, changed in place */
function requantizeMaxima(maxima: readonly Float32Array[], plans: readonly PartPlan[]): void {
  const blocks = (elements: number) => Math.ceil(elements / NF4_BLOCK);
  const tensors = new Set(plans.flatMap(({ segments }) => segments.map(({ tensor }) => tensor)));
  for (const tensor of tensors) {
    const places = plans.flatMap(({ segments }, i) =>
      segments
        .filter((segment) => segment.tensor === tensor)
        .map(({ to, count }) => maxima[i]!.subarray(to / NF4_BLOCK, to / NF4_BLOCK + blocks(count))),
    );
    const all = new Float32Array(places.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const place of places) {
      all.set(place, at);
      at += place.length;
    }
    const restored = restoreMaxima(quantizeMaxima(all));
    at = 0;
    for (const place of places) {
      place.set(restored.subarray(at, at + place.length));
      at += place.length;
    }
  }
}

/** Whole blocks of a piece on the CPU, packed as the GPU has them. */
function codesOf(values: Float32Array): { codes: Uint32Array<ArrayBuffer>; maxima: Float32Array<ArrayBuffer> } {
  const { packed, maxima } = quantizeNf4(values);
  const bytes = new Uint8Array(maxima.length * (NF4_BLOCK / 2));
  bytes.set(packed);
  return { codes: new Uint32Array(bytes.buffer), maxima };
}

/** @throws weights.range, naming the tensor of the first block whose maximum NF4 cannot scale */
function checkRange(maxima: readonly Float32Array[], plans: readonly PartPlan[], names: readonly string[]): void {
  maxima.forEach((list, part) => {
    const block = list.findIndex((one) => !(one < TOO_LARGE));
    if (block < 0) return;
    const holds = ({ to, count }: PartPlan['segments'][number]) =>
      block * NF4_BLOCK >= to && block * NF4_BLOCK < to + count;
    const tensor = plans[part]!.segments.find(holds)?.tensor;
    check(
      false,
      'weights.range',
      `tensor ${tensor === undefined ? names.join(', ') : names[tensor]} holds a weight of magnitude ${list[block]}; ` +
        `4 bits (NF4) take less than ${TOO_LARGE}`,
      'Such a weight is no trained one: get the checkpoint again, or set load_in_4bit to false.',
    );
  });
}

export interface QuantizerOptions {
  doubleQuant: boolean;
  /** Types that pieces may have: what the GPU is tried with. */
  dtypes: ReadonlySet<SafeDtype>;
  /** Quantize on the CPU from the start. */
  onCpu?: boolean;
  /** false: take what the GPU has, for devices that compute nothing. */
  verify?: boolean;
}

export function createQuantizer(gpu: Gpu, options: QuantizerOptions): Quantizer {
  const { device, rec } = gpu;
  const { doubleQuant, dtypes, verify = true } = options;
  const staging = gpu.persistent([PIECE_BYTES / 4], undefined, 'staging');
  let onCpu = options.onCpu ?? false;
  /** The GPU was tried, or need not be. */
  let known = onCpu || !verify;

  const tryGpu = async () => {
    const storages = [...dtypes].flatMap((dtype) => STORED[dtype] ?? []);
    onCpu = !(await quantizesExactly(gpu, storages));
    known = true;
  };

  const writeOnCpu = (part: Nf4Part, firstBlock: number, values: Float32Array<ArrayBuffer>) => {
    const { codes, maxima } = codesOf(values);
    device.queue.writeBuffer(part.data.buffer, firstBlock * WORDS_PER_BLOCK * 4, codes);
    device.queue.writeBuffer(part.scales.buffer, firstBlock * 4, maxima);
    discard(bytesOf(values));
  };

  return {
    get onCpu() {
      return onCpu;
    },
    async write(part, to, piece) {
      const storage = STORED[piece.dtype];
      check(storage, 'safetensors.dtype', `cannot quantize ${piece.dtype}; expected F32, F16 or BF16`);
      if (!known) await tryGpu();
      const firstBlock = to / NF4_BLOCK;
      const { dtype, bytes } = piece;
      const elementBytes = DTYPE_BYTES[dtype];
      const count = bytes.length / elementBytes;
      const blocks = Math.floor(count / NF4_BLOCK);
      const whole = blocks * NF4_BLOCK * elementBytes;
      if (onCpu) {
        writeOnCpu(part, firstBlock, valuesOf(piece));
        return;
      }
      if (blocks > 0) {
        device.queue.writeBuffer(staging.buffer, 0, bytes, 0, whole);
        const tensors = { w: staging, codes: part.data, maxima: part.scales };
        quantizeNf4Blocks(rec, tensors, { storage, blocks, firstBlock });
        await rec.submit();
      }
      // bitsandbytes divides in an incomplete block, which only the CPU is sure to do exactly.
      if (whole < bytes.length)
        writeOnCpu(part, firstBlock + blocks, valuesOf({ dtype, bytes: bytes.subarray(whole) }));
    },
    async finish(parts, plans, names) {
      const maxima: Float32Array<ArrayBuffer>[] = [];
      for (const { scales } of parts) maxima.push(new Float32Array((await rec.read(scales))[0]));
      if (verify) checkRange(maxima, plans, names);
      if (doubleQuant) {
        requantizeMaxima(maxima, plans);
        parts.forEach(({ scales }, i) => device.queue.writeBuffer(scales.buffer, 0, maxima[i]!));
      }
    },
    close: () => gpu.free(staging),
  };
}
