// Loaders with a copy of the base beside its source: one fills a copy with what the source has brought onto the GPU, one
// takes from it. Either way the GPU holds the same bits.

import { sha256Hex } from '../base/bytes';
import { check, LorikeetError } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { Tensor } from '../gpu/tensor';
import type { FrozenMatrix, MatrixPart } from '../ops/matmul';
import { piecesOf, placesOf, type BaseCopy, type CopyEntry, type CopyPlace } from './baseCopy';
import type { MatrixLoader } from './loadMatrix';
import { allocatePart, buffersOf } from './matrixLayout';
import { discard } from './pieces';

/** Takes the next piece of a copy; its memory is free again once that is done. */
type Append = (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/**
 * Loads from the source and gives all that is on the GPU then to `append`, in the order of loading.
 * @param onFailure called once, with what `append` has thrown: nothing is appended from there on
 */
export function loaderIntoCopy(
  gpu: Gpu,
  source: MatrixLoader,
  append: Append,
  onFailure: (error: unknown) => Promise<void>,
): MatrixLoader {
  let failed = false;
  const keep = async (tensors: readonly Tensor[]): Promise<void> => {
    for (const tensor of tensors) {
      for (const { at, bytes } of piecesOf(tensor.shape[0]! * 4)) {
        if (failed) return;
        const [buffer] = await gpu.rec.read({ ...tensor, firstElement: at / 4, shape: [bytes / 4] });
        const piece = new Uint8Array(buffer);
        try {
          await append(piece);
        } catch (error) {
          failed = true;
          await onFailure(error);
        }
        discard(piece);
      }
    }
  };
  return {
    async matrix(request) {
      const matrix = await source.matrix(request);
      await keep(buffersOf(matrix.parts));
      return matrix;
    },
    async vector(tensors) {
      const vector = await source.vector(tensors);
      await keep([vector]);
      return vector;
    },
    get quantizesOnCpu() {
      return source.quantizesOnCpu;
    },
    close: () => source.close(),
  };
}

/** Entries of a copy onto the GPU, every piece held against its hash. */
function createFiller({ device: { queue } }: Gpu, copy: BaseCopy) {
  const free: ArrayBuffer[] = [];
  /** @throws copy.unreadable: that says nothing of the bytes on disk */
  const read = async (at: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> => {
    try {
      return await copy.read(at, bytes, free.pop());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new LorikeetError('copy.unreadable', `its bytes from ${at} on cannot be read (${reason})`);
    }
  };
  /**
   * Fills buffers in their order; waits until the GPU has taken the piece before the last one.
   * @throws copy.broken, copy.unreadable
   */
  return async (tensors: readonly Tensor[], place: CopyPlace): Promise<void> => {
    let { at, piece } = place;
    let taken: Promise<unknown> = Promise.resolve();
    let sound: Promise<void> = Promise.resolve();
    for (const { buffer, shape } of tensors) {
      for (const { at: to, bytes: length } of piecesOf(shape[0]! * 4)) {
        const bytes = await read(at, length);
        await Promise.all([taken, sound]);
        queue.writeBuffer(buffer, to, bytes);
        queue.submit([]); // what writeBuffer left pending counts as submitted from here on
        taken = queue.onSubmittedWorkDone();
        const [from, hash] = [at, copy.hashes[piece]];
        // Hashed while the next piece is read.
        sound = sha256Hex(bytes).then((found) => {
          check(
            found === hash,
            'copy.broken',
            `its bytes ${from} to ${from + length - 1} are not those that were written`,
          );
          free.push(bytes.buffer);
        });
        sound.catch(() => undefined); // awaited above or below
        at += length;
        piece++;
      }
    }
    await Promise.all([taken, sound]);
  };
}

/** Codes of a copy that does not give what it should. */
const UNUSABLE = new Set(['copy.broken', 'copy.unreadable']);

/** Buffers of an entry, still empty. */
function allocate(gpu: Gpu, { parts }: CopyEntry): MatrixPart[] {
  return parts.map((part) =>
    allocatePart(
      gpu,
      part,
      part.bytes.map((bytes) => bytes / 4),
    ),
  );
}

/**
 * Takes everything from the copy, which the caller has held against what the model asks for.
 * @param source reads what the copy does not give: all from the first piece on that is not what was written, or cannot be read
 * @param onBroken called once, with why: copy.broken, copy.unreadable
 */
export function loaderFromCopy(
  gpu: Gpu,
  source: MatrixLoader,
  copy: BaseCopy,
  onBroken: (error: LorikeetError) => Promise<void>,
): MatrixLoader {
  const places = placesOf(copy.layout);
  const entries = new Map(copy.layout.map((entry) => [entry.names[0]!, entry]));
  const fill = createFiller(gpu, copy);
  let whole = true;

  /** null: the copy does not give it. */
  const take = async (name: string): Promise<{ entry: CopyEntry; parts: MatrixPart[] } | null> => {
    const [entry, place] = [entries.get(name), places.get(name)];
    if (!whole || !entry || !place) return null;
    const parts = allocate(gpu, entry);
    try {
      await fill(buffersOf(parts), place);
      return { entry, parts };
    } catch (error) {
      gpu.free(...buffersOf(parts));
      if (!(error instanceof LorikeetError) || !UNUSABLE.has(error.code)) throw error;
      whole = false;
      await onBroken(error);
      return null;
    }
  };

  return {
    async matrix(request): Promise<FrozenMatrix> {
      const taken = await take(request.tensors[0]!.name);
      if (!taken) return source.matrix(request);
      const { rows, columns, storage } = taken.entry;
      // Vectors are asked for as vectors only.
      return { rows, columns, storage: storage as FrozenMatrix['storage'], parts: taken.parts };
    },
    async vector(tensors) {
      const taken = await take(tensors[0]!.name);
      return taken ? taken.parts[0]!.data : source.vector(tensors);
    },
    get quantizesOnCpu() {
      return source.quantizesOnCpu;
    },
    close: () => source.close(),
  };
}
