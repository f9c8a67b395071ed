// Linears in NF4: pieces are quantized on the GPU, and samples of every piece on the CPU too. Where the two differ the
// GPU does not round as WGSL says, and the CPU quantizes everything, to the same bytes on every machine.

import { check } from '../base/errors';
import { quantizeMaxima, restoreMaxima } from '../formats/doubleQuant';
import { NF4_BLOCK, quantizeNf4 } from '../formats/nf4';
import type { Gpu } from '../gpu/gpu';
import type { Tensor } from '../gpu/tensor';
import type { MatrixPart } from '../ops/matmul';
import { quantizeNf4Blocks } from '../ops/quantizeNf4';
import { STORED } from './baseStorage';
import type { PartPlan } from './matrixParts';
import { PIECE_BYTES, valuesOf, type Piece } from './pieces';

const WORDS_PER_BLOCK = NF4_BLOCK / 8;
/** Blocks of a piece that are computed twice, spread over it. */
const SAMPLES = 16;
/** Beyond, the GPU's reciprocal is no normal number. */
const LARGEST_ON_GPU = 2 ** 125;

export interface Nf4Part extends MatrixPart {
  scales: Tensor;
}

/** A sampled block as the CPU sees it. */
interface Sample {
  part: Nf4Part;
  block: number;
  codes: Uint32Array;
}

export interface Quantizer {
  /** Quantizes a piece that begins at a block. @param to its first element within the part */
  write(part: Nf4Part, to: number, piece: Piece): Promise<void>;
  /** @returns false when the GPU was found to round differently: the matrix has to be written again, by the CPU */
  finish(parts: readonly Nf4Part[], plans: readonly PartPlan[]): Promise<boolean>;
  /** The CPU quantizes from now on. */
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

export interface QuantizerOptions {
  doubleQuant: boolean;
  /** Quantize on the CPU from the start. */
  onCpu?: boolean;
  /** false: take what the GPU has, for devices that compute nothing. */
  verify?: boolean;
}

export function createQuantizer(gpu: Gpu, options: QuantizerOptions): Quantizer {
  const { device, rec } = gpu;
  const { doubleQuant, verify = true } = options;
  const staging = gpu.persistent([PIECE_BYTES / 4], undefined, 'staging');
  let onCpu = options.onCpu ?? false;
  let samples: Sample[] = [];

  const writeOnCpu = (part: Nf4Part, firstBlock: number, values: Float32Array) => {
    const { codes, maxima } = codesOf(values);
    device.queue.writeBuffer(part.data.buffer, firstBlock * WORDS_PER_BLOCK * 4, codes);
    device.queue.writeBuffer(part.scales.buffer, firstBlock * 4, maxima);
  };

  const blockValues = ({ dtype, bytes }: Piece, block: number) => {
    const size = (bytes.length / pieceElements({ dtype, bytes })) * NF4_BLOCK;
    return valuesOf({ dtype, bytes: bytes.subarray(block * size, (block + 1) * size) });
  };

  const sample = (part: Nf4Part, firstBlock: number, piece: Piece, blocks: number) => {
    const step = Math.max(1, Math.floor(blocks / SAMPLES));
    for (let block = 0; block < blocks; block += step) {
      samples.push({ part, block: firstBlock + block, codes: codesOf(blockValues(piece, block)).codes });
    }
  };

  /** Whether all sampled blocks have the same codes on the GPU. */
  const samplesAgree = async () => {
    if (samples.length === 0) return true;
    const probe = gpu.persistent([samples.length * WORDS_PER_BLOCK], undefined, 'staging');
    samples.forEach(({ part, block }, i) => {
      const place = { fromOffset: block * WORDS_PER_BLOCK, toOffset: i * WORDS_PER_BLOCK, count: WORDS_PER_BLOCK };
      rec.copy(part.data, probe, place);
    });
    const [bytes] = await rec.read(probe);
    gpu.free(probe);
    const got = new Uint32Array(bytes);
    return samples.every(({ codes }, i) => codes.every((word, w) => word === got[i * WORDS_PER_BLOCK + w]));
  };

  return {
    get onCpu() {
      return onCpu;
    },
    async write(part, to, piece) {
      const storage = STORED[piece.dtype];
      check(storage, 'safetensors.dtype', `cannot quantize ${piece.dtype}; expected F32, F16 or BF16`);
      const firstBlock = to / NF4_BLOCK;
      const count = pieceElements(piece);
      const blocks = Math.floor(count / NF4_BLOCK);
      if (onCpu) {
        writeOnCpu(part, firstBlock, valuesOf(piece));
        return;
      }
      if (blocks > 0) {
        device.queue.writeBuffer(staging.buffer, 0, piece.bytes, 0, (piece.bytes.length / count) * blocks * NF4_BLOCK);
        const tensors = { w: staging, codes: part.data, maxima: part.scales };
        quantizeNf4Blocks(rec, tensors, { storage, blocks, firstBlock });
        await rec.submit();
        if (verify) sample(part, firstBlock, piece, blocks);
      }
      // bitsandbytes divides in an incomplete block, which only the CPU is sure to do exactly.
      if (count % NF4_BLOCK) writeOnCpu(part, firstBlock + blocks, blockValues(piece, blocks));
    },
    async finish(parts, plans) {
      const agree = await samplesAgree();
      samples = [];
      const maxima: Float32Array<ArrayBuffer>[] = [];
      for (const { scales } of parts) maxima.push(new Float32Array((await rec.read(scales))[0]));
      const inRange = onCpu || !verify || maxima.every((list) => list.every((one) => one < LARGEST_ON_GPU));
      if (!agree || !inRange) {
        onCpu = true;
        return false;
      }
      if (doubleQuant) {
        requantizeMaxima(maxima, plans);
        parts.forEach(({ scales }, i) => device.queue.writeBuffer(scales.buffer, 0, maxima[i]!));
      }
      return true;
    },
    close: () => gpu.free(staging),
  };
}

function pieceElements({ dtype, bytes }: Piece): number {
  return bytes.length / (dtype === 'F32' ? 4 : 2);
}
