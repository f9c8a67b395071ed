// Training and validation: by name, by seeded ratio.

import { expect, test } from 'vitest';
import type { RowWithImage } from './importImages';
import * as split from './importSplit';
import { splitOfFile } from './importSplit';

function rowsOf(file: string, count: number, perImage = 1): RowWithImage[] {
  const text = { image: 'x', question: 'Q', thought: 'T', answer: 'A', file };
  return Array.from({ length: count }, (_, i) => ({
    row: { ...text, line: i + 1 },
    image: `${file}-${Math.floor(i / perImage)}`,
  }));
}

/** Splits rows where no other file holds any. */
function splitRows(rows: RowWithImage[], ratio: number, seed: number): ReturnType<typeof split.splitRows> {
  return split.splitRows(rows, [...new Set(rows.map(({ row }) => row.file))], ratio, seed);
}

function expectSplits(expected: string | null, names: string[]): void {
  for (const name of names) expect([name, splitOfFile(`${name}.jsonl`)]).toEqual([name, expected]);
}

test('a whole word in the file name says training or validation', () => {
  expectSplits('train', ['demo_cot_train', 'set/Training', 'gqa_cot_train_10k', 'train2', 'train2017', 'minitrain']);
  expectSplits('val', ['demo_cot_val', 'valid', 'my-validation-2', 'eval', 'TEST', 'dev', 'gqa_cot_val_1k', 'val2017']);
  expectSplits('val', ['valset', 'testmini', 'minival', 'testdev_balanced', '2017val', 'rows.val']);
});

test('words for validation count in the plural and as a verb, but validated rows are rows like others', () => {
  expectSplits('val', ['tests', 'evals', 'vals', 'validations', 'evaluations', 'devs', 'my_tests_2', 'gqaTests']);
  expectSplits('val', ['validate', 'evaluate', 'testsets', 'valsets', 'evalsplits']);
  expectSplits(null, ['validated', 'evaluated', 'tested', 'testers', 'contests', 'valses', 'trains']);
});

test('a word of the two that is joined to another by a capital letter counts', () => {
  expectSplits('train', ['trainSet', 'myTrain', 'GQATrainRows']);
  expectSplits('val', ['valData', 'gqaVal2', 'GQATest']);
});

test('letters that stand inside another word say nothing', () => {
  expectSplits('val', ['trains_val', 'strain_test', 'constraints_val']);
  expectSplits('train', ['values_train', 'trains_train']);
  expectSplits(null, ['latest', 'older', 'values', 'retrieval', 'approval', 'interval', 'arrival', 'festival']);
  expectSplits(null, ['contest', 'removal', 'valencia', 'testimony', 'medieval', 'trains', 'strain', 'constraints']);
  expectSplits(null, ['interview', 'rows', 'devices', 'évaluations', 'größetest']);
});

test('a name that holds both words, or neither, says nothing, and folders are not asked', () => {
  expectSplits(null, ['train_val', 'trainval', 'train-vs-test', 'val/rows', 'train/rows']);
});

test('rows of named files go where the name says, unnamed ones to training', () => {
  const rows = [...rowsOf('train.jsonl', 2), ...rowsOf('more.jsonl', 1), ...rowsOf('val.jsonl', 2)];
  expect(splitRows(rows, 0.5, 1)).toEqual(['train', 'train', 'train', 'val', 'val']);
});

test('without names the ratio decides, the same for a seed and another for another', () => {
  const rows = rowsOf('rows.jsonl', 100);
  const first = splitRows(rows, 0.2, 1);
  expect(first.filter((side) => side === 'val')).toHaveLength(20);
  expect(splitRows(rows, 0.2, 1)).toEqual(first);
  expect(splitRows(rows, 0.2, 2)).not.toEqual(first);
});

test('validation rows are never trained on because no training row is usable', () => {
  const files = ['train.jsonl', 'val.jsonl'];
  const splits = split.splitRows(rowsOf('val.jsonl', 4), files, 0.5, 1);
  expect(splits).toEqual(['val', 'val', 'val', 'val']);
});

test('a lone file of one name is split by ratio too', () => {
  for (const file of ['train.jsonl', 'val.jsonl']) {
    const splits = splitRows(rowsOf(file, 10), 0.3, 1);
    expect(splits.filter((side) => side === 'val')).toHaveLength(3);
  }
});

test('all rows of an image are on one side', () => {
  const rows = rowsOf('rows.jsonl', 90, 3);
  const splits = splitRows(rows, 0.2, 5);
  const sides = new Map<string, Set<string>>();
  rows.forEach(({ image }, i) => sides.set(image, (sides.get(image) ?? new Set()).add(splits[i]!)));
  for (const side of sides.values()) expect(side.size).toBe(1);
  expect(splits.filter((side) => side === 'val')).toHaveLength(18);
});

test('rows of one single image are split by row, and one row is never taken away', () => {
  const splits = splitRows(rowsOf('rows.jsonl', 10, 10), 0.2, 1);
  expect(splits.filter((side) => side === 'val')).toHaveLength(2);
  expect(splitRows(rowsOf('rows.jsonl', 1), 0.5, 1)).toEqual(['train']);
  expect(splitRows(rowsOf('rows.jsonl', 10), 0, 1)).not.toContain('val');
});
