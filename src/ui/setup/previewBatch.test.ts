import { expect, it } from 'vitest';
import type { DatasetRow } from '../../base/dataset';
import { isInForm } from '../../rewards/format';
import { isExact } from '../../rewards/exactMatch';
import { presets } from '../../recipe/presets';
import { previewOf, wantedText } from './previewBatch';

function rowOf(answer: string, line: number): DatasetRow {
  const place = { image: 'hash', imageName: 'a.png', split: 'train', file: 'a.jsonl', line } as const;
  return { ...place, question: `q${line}`, thought: ` The answer is ${answer}.`, answer };
}

const rows = Array.from({ length: 30 }, (_, i) => rowOf(i % 2 ? 'red' : 'blue', i + 1));

it('uses the first twenty rows, each with its own question, thought and answer', () => {
  const { batch, labels } = previewOf(rows, presets.demo);
  expect(labels.length).toBe(20);
  expect(batch.questions).toEqual(rows.slice(0, 20).map(({ question }) => question));
  expect(batch.answers).toEqual(rows.slice(0, 20).map(({ answer }) => answer));
  for (const list of [batch.completions, batch.thoughts, batch.lengths]) expect(list.length).toBe(20);
  expect(batch.maxCompletionLength).toBe(presets.demo.grpo.max_completion_length);
});

it('holds wanted texts in the asked form, the same with a wrong answer, and texts out of form', () => {
  const { batch, labels } = previewOf(rows, presets.demo);
  labels.forEach((label, i) => {
    const text = batch.completions[i]!;
    expect(isExact(text, batch.answers[i]!), `${label}: ${text}`).toBe(
      label === 'wanted' || label === 'repeats itself',
    );
    expect(isInForm(text), `${label}: ${text}`).toBe(['wanted', 'another answer', 'repeats itself'].includes(label));
  });
  expect(new Set(labels).size).toBe(6);
});

it('shows every kind of text even for one row, and nothing without rows', () => {
  expect(new Set(previewOf(rows.slice(0, 1), presets.demo).labels).size).toBe(6);
  expect(previewOf(rows.slice(0, 1), presets.demo).labels.length).toBe(6);
  expect(new Set(previewOf(rows.slice(0, 6), presets.demo).labels.slice(6, 12)).size).toBe(6);
  expect(previewOf([], presets.demo)).toMatchObject({ labels: [], batch: { completions: [] } });
});

it('takes texts as they are, special signs of replacements included', () => {
  const odd: DatasetRow = { ...rows[0]!, thought: '$& {answer}', answer: '$1' };
  expect(previewOf([odd], { ...presets.demo, target_template: '{thought}|{answer}' }).batch.completions[0]).toBe(
    '$& {answer}|$1',
  );
});

it('shows a wanted text as it would be trained on, whatever signs are in the row', () => {
  const row = { thought: ' costs $& or {answer}? ', answer: '$`5' };
  expect(wantedText(presets.demo.target_template, row)).toContain('costs $& or {answer}?');
  expect(wantedText('<a>{answer}</a> {thought}', row)).toBe('<a>$`5</a> costs $& or {answer}?');
});
