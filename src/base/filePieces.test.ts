// @vitest-environment node
import { expect, it } from 'vitest';
import { blobInPieces, PIECE_BYTES } from './filePieces';

const bytes = Uint8Array.from({ length: PIECE_BYTES + 5 }, (_, i) => (i * 7919) >> 8);

it('gives a blob in pieces without asking for an ArrayBuffer, whose memory would stay with the process', async () => {
  const blob = new Blob([bytes]);
  const slice = blob.slice.bind(blob);
  blob.slice = (...range) => {
    const part = slice(...range);
    part.arrayBuffer = () => Promise.reject(new Error('an ArrayBuffer was asked for'));
    return part;
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of blobInPieces(blob).pieces()) pieces.push(piece);
  expect(pieces.map(({ length }) => length)).toEqual([PIECE_BYTES, 5]);
  expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0);
});

it('gives an empty blob as one empty piece', async () => {
  const pieces: Uint8Array[] = [];
  for await (const piece of blobInPieces(new Blob([])).pieces()) pieces.push(piece);
  expect(pieces).toEqual([new Uint8Array(0)]);
});
