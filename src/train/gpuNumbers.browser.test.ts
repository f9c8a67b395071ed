import { expect, test } from 'vitest';
import { PIECE_NUMBERS, readPieces, sourceOf } from '../base/floatSource';
import { withGpu } from '../gpu/testGpu';
import { gpuSource, uploadNumbers } from './gpuNumbers';

test('numbers of several pieces go to a tensor and come back bit for bit, no piece longer than its limit', async () => {
  await withGpu('software', async ({ gpu, output }) => {
    const length = PIECE_NUMBERS + 5;
    const values = Float32Array.from({ length }, (_, i) => (i % 4093) / 7);
    const tensor = output([length]);
    await uploadNumbers(gpu, tensor, sourceOf([values.slice(0, 9), values.slice(9)]));
    const pieces = await readPieces(gpuSource(gpu, tensor));
    expect(pieces.map((piece) => piece.length)).toEqual([PIECE_NUMBERS, 5]);
    const differs = pieces.flatMap((piece, p) => {
      const first = p * PIECE_NUMBERS;
      const at = piece.findIndex((value, i) => value !== values[first + i]);
      return at < 0 ? [] : [first + at];
    });
    expect(differs).toEqual([]);
  });
});
