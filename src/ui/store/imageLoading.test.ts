import { expect, test } from 'vitest';
import type { DatasetInfo } from '../../base/dataset';
import { loadingProblem, withLoadingProblem } from './imageLoading';

const info: DatasetInfo = {
  id: 'a',
  name: 'photos',
  createdAt: 0,
  trainRows: 1,
  valRows: 0,
  images: 5,
  bytes: 0,
  promptTokens: null,
  targetTokens: null,
  problems: [],
};
const counted = { ...info, turnedImages: 3, transparentImages: 1 };

test('pictures that the recipe loads other than they are meant are counted, with the option that mends it', () => {
  const problem = loadingProblem(counted, 'recipe');
  expect(problem).toMatchObject({ level: 'warning', code: 'image.loading', file: 'photos' });
  expect(problem?.message).toMatch(/^3 pictures will lie sideways.*, and 1 picture will show hidden colours/);
  expect(problem?.message).toContain('image_loading');
  expect(loadingProblem({ ...counted, turnedImages: 0 }, 'recipe')?.message).not.toContain('sideways');
  expect(withLoadingProblem(counted, 'recipe').problems).toEqual([problem]);
});

test('nothing is said where pictures are loaded as the libraries do, or are all upright and opaque', () => {
  expect(withLoadingProblem(counted, 'library')).toBe(counted);
  expect(loadingProblem({ ...counted, turnedImages: 0, transparentImages: 0 }, 'recipe')).toBeNull();
});

test('data that an older version imported, without counting, is said to be so', () => {
  expect(loadingProblem(info, 'recipe')?.message).toContain('import the files again');
  expect(loadingProblem(info, 'library')).toBeNull();
});
