// Training and validation: by name, by seeded ratio.

import { expect, test } from 'vitest';
import type { RowWithImage } from './importImages';
import { splitOfFile, splitRows } from './importSplit';

function rowsOf(file: string, count: number, perImage = 1): RowWithImage[] {
  const text = { image: 'x', question: 'Q', thought: 'T', answer: 'A', file };
  return Array.from({ length: count }, (_, i) => ({
    row: { ...text, line: i + 1 },
    image: `${file}-${Math.floor(i / perImage)}`,
  }));
}

test('file names that hold train or val, valid, validation, eval, test decide', () => {
  const cases: [string, string | null][] = [
    ['demo_cot_train.jsonl', 'train'],
    ['set/Training.jsonl', 'train'],
    ['demo_cot_val.jsonl', 'val'],
    ['valid.jsonl', 'val'],
    ['my-validation-2.jsonl', 'val'],
    ['eval.jsonl', 'val'],
    ['TEST.JSONL', 'val'],
    ['valset.jsonl', 'val'],
    ['train_val.jsonl', null],
    ['rows.jsonl', null],
    ['interview.jsonl', null],
    ['val/rows.jsonl', null],
  ];
  for (const [path, split] of cases) expect([path, splitOfFile(path)]).toEqual([path, split]);
});

test('rows of named files go where the name says, unnamed ones to training', () => {
  const rows = [...rowsOf('train.jsonl', 2), ...rowsOf('more.jsonl', 1), ...rowsOf('val.jsonl', 2)];
  expect(splitRows(rows, 0.5, 1)).toEqual({ splits: ['train', 'train', 'train', 'val', 'val'], byRatio: false });
});

test('without names the ratio decides, the same for a seed and another for another', () => {
  const rows = rowsOf('rows.jsonl', 100);
  const first = splitRows(rows, 0.2, 1);
  expect(first.byRatio).toBe(true);
  expect(first.splits.filter((split) => split === 'val')).toHaveLength(20);
  expect(splitRows(rows, 0.2, 1)).toEqual(first);
  expect(splitRows(rows, 0.2, 2)).not.toEqual(first);
});

test('a lone file of one name is split by ratio too', () => {
  for (const file of ['train.jsonl', 'val.jsonl']) {
    const { splits } = splitRows(rowsOf(file, 10), 0.3, 1);
    expect(splits.filter((split) => split === 'val')).toHaveLength(3);
  }
});

test('all rows of an image are on one side', () => {
  const rows = rowsOf('rows.jsonl', 90, 3);
  const { splits } = splitRows(rows, 0.2, 5);
  const sides = new Map<string, Set<string>>();
  rows.forEach(({ image }, i) => sides.set(image, (sides.get(image) ?? new Set()).add(splits[i]!)));
  for (const side of sides.values()) expect(side.size).toBe(1);
  expect(splits.filter((split) => split === 'val')).toHaveLength(18);
});

test('rows of one single image are split by row, and one row is never taken away', () => {
  const { splits } = splitRows(rowsOf('rows.jsonl', 10, 10), 0.2, 1);
  expect(splits.filter((split) => split === 'val')).toHaveLength(2);
  expect(splitRows(rowsOf('rows.jsonl', 1), 0.5, 1).splits).toEqual(['train']);
  expect(splitRows(rowsOf('rows.jsonl', 10), 0, 1).splits).not.toContain('val');
});
