// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { PIECE_BYTES } from '../base/filePieces';
import { sourceOf, type FloatSource } from '../base/floatSource';
import { encodeCheckpoint } from './checkpoint';
import { checkpointPieces, openCheckpoint } from './checkpointStream';

/** So many numbers, made when they are read; notes the longest read. */
function counted(length: number, longest: { numbers: number }): FloatSource {
  return {
    length,
    read: async (start, end) => {
      longest.numbers = Math.max(longest.numbers, end - start);
      return Float32Array.from({ length: end - start }, (_, i) => (start + i) % 1021);
    },
  };
}

async function all(file: ReturnType<typeof checkpointPieces>): Promise<Uint8Array<ArrayBuffer>[]> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of file.pieces()) pieces.push(piece);
  return pieces;
}

describe('a checkpoint in pieces', () => {
  const state = { step: 7, zero: -0 };

  it('has the bytes of one that is encoded whole', async () => {
    const tensors = new Map([
      ['b', Float32Array.of(1, -0, 3.5)],
      ['a', new Float32Array(0)],
      ['c', Float32Array.from({ length: 1001 }, (_, i) => i / 7)],
    ]);
    const sources = new Map([...tensors].map(([name, values]) => [name, sourceOf(values)]));
    const file = checkpointPieces({ state, tensors: sources });
    const whole = encodeCheckpoint({ state, tensors });
    expect(file.bytes).toBe(whole.length);
    expect(await all(file)).toEqual([whole]);
  });

  it('never asks for more than a piece nor hands out more, and comes back bit for bit', async () => {
    const longest = { numbers: 0 };
    const count = PIECE_BYTES / 4 + 3;
    const tensors = new Map(['x', 'y'].map((name) => [name, counted(count, longest)]));
    const file = checkpointPieces({ state, tensors });
    const pieces = await all(file);
    expect(longest.numbers * 4).toBe(PIECE_BYTES);
    expect(pieces.map(({ byteLength }) => byteLength)).toEqual([
      PIECE_BYTES,
      PIECE_BYTES,
      file.bytes - 2 * PIECE_BYTES,
    ]);
    const back = await openCheckpoint(new Blob(pieces), 'ck');
    expect(back.state).toEqual(state);
    for (const source of back.tensors.values()) {
      expect(source.length).toBe(count);
      const [from, to] = [PIECE_BYTES / 4 - 2, count];
      expect([...(await source.read(from, to))]).toEqual(Array.from({ length: 5 }, (_, i) => (from + i) % 1021));
    }
  });

  it('names the tensor and the element that is not finite, however far it lies', async () => {
    const values = new Float32Array(PIECE_BYTES / 4 + 9);
    values[values.length - 1] = NaN;
    const file = checkpointPieces({
      state,
      tensors: new Map([['m', sourceOf([values.subarray(0, 10), values.subarray(10)])]]),
    });
    await expect(all(file)).rejects.toMatchObject({
      code: 'checkpoint.value',
      message: `tensor "m": element ${values.length - 1} is NaN; expected finite numbers`,
    });
  });
});

describe('opening refuses by name', () => {
  const whole = encodeCheckpoint({ state: { step: 1 }, tensors: new Map([['a', Float32Array.of(1, 2)]]) });

  it.each([
    ['a cut file', whole.slice(0, -1)],
    ['an empty file', new Uint8Array(0)],
  ])('%s', async (_, bytes) => {
    await expect(openCheckpoint(new Blob([bytes]), 'ck')).rejects.toMatchObject({ code: 'checkpoint.broken' });
  });

  it('numbers that are not finite, when they are read', async () => {
    const bytes = whole.slice();
    bytes.set([0, 0, 0xc0, 0x7f], bytes.length - 4);
    const { tensors } = await openCheckpoint(new Blob([bytes]), 'ck');
    await expect(tensors.get('a')!.read(0, 2)).rejects.toMatchObject({
      message: 'ck: tensor "a": element 1 is NaN; expected finite numbers',
    });
  });
});
