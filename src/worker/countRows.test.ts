// @vitest-environment node
import { expect, test } from 'vitest';
import type { DatasetRow } from '../base/dataset';
import { demoFolder } from '../base/testing/demoFolder';
import { presets } from '../recipe/presets';
import { countRows } from './countRows';
import { COUNT_PROBLEMS } from './datasetTokens';

const ROW: DatasetRow = {
  ...{ image: 'x', imageName: 'x.png', split: 'train', line: 1 },
  ...{ question: 'What is red?', thought: 'A star.', answer: 'star', file: 'a.jsonl' },
};

test('what a failed count leaves is one warning, which the next count takes away', async () => {
  const model = { kind: 'files' as const, name: 'mine', files: demoFolder({ 'tokenizer.json': null }) };
  const job = { name: 'rows', recipe: presets.demo, model, signal: new AbortController().signal };
  const { rows, counts } = await countRows(job, [ROW], new Map(), () => {});
  expect(rows).toEqual([ROW]);
  expect(counts).toMatchObject({ promptTokens: null, targetTokens: null });
  expect(counts.problems).toEqual([
    {
      ...{ level: 'warning', code: 'data.notCounted', file: 'rows' },
      message: expect.stringMatching(/^tokens are not counted: .*tokenizer\.json/) as string,
    },
  ]);
  expect(COUNT_PROBLEMS).toContain(counts.problems[0]!.code);
});
