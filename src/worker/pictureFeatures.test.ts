// @vitest-environment node
// What a run's picture features may take of the disk, and of which pictures they are.

import { expect, test } from 'vitest';
import type { ImageRef } from '../data/encode';
import { diskLimit } from './pictureFeatures';
import { rowPictures } from './rowPictures';
import type { TrainingRows } from './rows';

test('features may take half of what is free beside them, whether or not they are stored already', () => {
  const most = 1e12;
  expect(diskLimit(most, { quota: 100e9, usage: 40e9 }, 0)).toBe(30e9);
  // The same disk once 20 GB of features lie there.
  expect(diskLimit(most, { quota: 100e9, usage: 60e9 }, 20e9)).toBe(30e9);
  expect(diskLimit(16e9, { quota: 100e9, usage: 60e9 }, 20e9)).toBe(16e9);
  expect(diskLimit(most, {}, 0)).toBe(0);
});

test('pictures of a stage that is left out are not among those of the run', () => {
  const image = (hash: string): ImageRef => ({ hash, view: { loading: 'library', preResize: false }, grid: [1, 2, 2] });
  const of = (...hashes: string[]) => ({ images: hashes.map(image) });
  const rows = {
    sft: [of('a', 'both')],
    grpo: [{ prompt: of('b', 'both') }],
    validation: [{ prompt: of('both', 'v') }],
  } as unknown as TrainingRows;
  const hashes = (sft: number, grpo: number): string[] =>
    rowPictures(rows, { sft: { max_steps: sft }, grpo: { max_steps: grpo } }).map(({ hash }) => hash);
  expect(hashes(-1, 3)).toEqual(['a', 'both', 'b', 'v']);
  expect(hashes(0, 3)).toEqual(['b', 'both', 'v']);
  expect(hashes(2, 0)).toEqual(['a', 'both', 'v']);
});
