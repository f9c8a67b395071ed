// The buffers of sequences being decoded, from a readable description. For tests only.

import type { GpuBench } from '../../gpu/testGpu';
import type { DecodeTensors } from '../sampling';

export interface TestSequence {
  /** Ids of the prompt and of earlier tokens, for the repetition penalty. */
  seen?: readonly number[];
  tokens?: readonly number[];
  done?: boolean;
  /** Which stream of random numbers; by default the sequence's number. */
  tag?: [number, number];
  /** Prefix start, prefix end, next position, first cache row. */
  place?: [number, number, number, number];
}

export interface DecodeScene {
  vocabulary: number;
  maxNew: number;
  suppressed?: readonly number[];
  ends?: readonly number[];
  sequences: readonly TestSequence[];
}

/** One bit per id. */
function bitMask(ids: readonly number[], vocabulary: number): number[] {
  const words = new Array<number>(Math.ceil(vocabulary / 32)).fill(0);
  for (const id of ids) words[id >>> 5]! |= 1 << (id & 31);
  return words.map((word) => word >>> 0);
}

/** Words of the three buffers, as sample.wgsl describes them. */
export function decodeWords(scene: DecodeScene): { sequences: Uint32Array; state: Uint32Array; masks: Uint32Array } {
  const { vocabulary, maxNew, suppressed = [], ends = [] } = scene;
  const idSets = [suppressed, ends, ...scene.sequences.map(({ seen = [] }) => seen)];
  return {
    sequences: Uint32Array.from(
      scene.sequences.flatMap(({ place = [0, 0, 0, 0], tag }, s) => [...place, ...(tag ?? [s, 0]), 0, 0]),
    ),
    state: Uint32Array.from(
      scene.sequences.flatMap(({ tokens = [], done = false }) => [
        tokens.length,
        Number(done),
        ...tokens,
        ...new Array<number>(maxNew - tokens.length).fill(0),
      ]),
    ),
    masks: Uint32Array.from(idSets.flatMap((ids) => bitMask(ids, vocabulary))),
  };
}

/** The same on the GPU. */
export function uploadDecode(bench: GpuBench, scene: DecodeScene): DecodeTensors {
  const { sequences, state, masks } = decodeWords(scene);
  return { sequences: bench.input(sequences), state: bench.input(state), masks: bench.input(masks) };
}
