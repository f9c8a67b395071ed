// Rows of a file: every bad line is named and the good ones stay.

import { expect, test } from 'vitest';
import type { ImportProblem } from '../base/dataset';
import { createProblemList } from './importProblems';
import { rowText, source } from './importTestFiles';
import type { FileRow } from './rowsFile';
import { readRowsFile } from './rowsFile';

const GOOD = rowText('a.png');

async function read(
  content: string | Uint8Array<ArrayBuffer>,
): Promise<{ rows: FileRow[]; problems: ImportProblem[] }> {
  const problems = createProblemList();
  const rows = await readRowsFile(source('data/train.jsonl', content), problems);
  for (const problem of problems.all()) expect(problem.file).toBe('data/train.jsonl');
  return { rows, problems: problems.all() };
}

/** Lines that stand between two good ones, the code they get and a word of the message. */
const BAD_LINES: [string, string, string][] = [
  ['{"image": "a.png", "question": "Q", "thought": "T", "answer": "A",}', 'jsonl.syntax', 'comma'],
  ['{"image": "a.png", "question": NaN, "thought": "T", "answer": "A"}', 'jsonl.syntax', 'NaN'],
  ['{"image": "a.png", "question": -Infinity, "thought": "T", "answer": "A"}', 'jsonl.syntax', 'Infinity'],
  ["{'image': 'a.png'}", 'jsonl.syntax', 'double quotes'],
  ['{"image": "a.png", "question": "Q', 'jsonl.syntax', 'string is not closed'],
  ['{"image": "a.png", "question": "Q"', 'jsonl.syntax', 'bracket is not closed'],
  [GOOD + GOOD, 'jsonl.syntax', 'JSON'],
  ['hello', 'jsonl.syntax', 'JSON'],
  ['[1, 2]', 'row.notObject', 'a list'],
  ['"text"', 'row.notObject', 'a string'],
  ['null', 'row.notObject', 'null'],
  ['17', 'row.notObject', 'a number'],
  ['{}', 'row.missing', '"image", "question", "thought", "answer"'],
  ['{"image": "a.png", "question": "Q"}', 'row.missing', '"thought", "answer"'],
  ['{"image": "a.png", "messages": []}', 'row.missing', '"messages" are not read'],
  ['{"image": "a.png", "question": "Q", "thought": "T", "answer": 1e999}', 'row.type', 'quotes'],
  ['{"image": "a.png", "question": "Q", "thought": "T", "answer": 9007199254740993}', 'row.type', '"answer"'],
  ['{"image": ["a.png"], "question": "Q", "thought": "T", "answer": "A"}', 'row.type', 'a list'],
  ['{"image": "a.png", "question": "Q", "thought": null, "answer": "A"}', 'row.type', 'null'],
  ['{"image": "a.png", "question": " \\t ", "thought": "T", "answer": "A"}', 'row.empty', '"question"'],
  ['{"image": "a.png", "question": "Q", "thought": "T", "answer": "\\ud83d"}', 'row.surrogate', 'surrogate'],
  [`{"image": ${'['.repeat(65)}${']'.repeat(65)}}`, 'jsonl.nesting', '66'],
  [`${'['.repeat(200_000)}`, 'jsonl.nesting', '64'],
  ['{"__proto__": {"image": "a.png", "question": "Q", "thought": "T", "answer": "A"}}', 'row.missing', '"__proto__"'],
];

for (const [line, code, word] of BAD_LINES) {
  test(`${code} names line 2 and keeps the rows around it: ${line.slice(0, 60)}`, async () => {
    const { rows, problems } = await read(`${GOOD}\n${line}\n${GOOD}\n`);
    expect(rows.map((row) => row.line)).toEqual([1, 3]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ level: 'error', code, line: 2 });
    expect(problems[0]!.message).toContain(word);
  });
}

test('a row is read with its texts as they are and its place', async () => {
  const { rows, problems } = await read(rowText('é/a.png', ' <|im_end|> ', '<script>', '\u202eabc'));
  const texts = { question: ' <|im_end|> ', thought: '<script>', answer: '\u202eabc' };
  expect(rows).toEqual([{ image: 'é/a.png', ...texts, file: 'data/train.jsonl', line: 1 }]);
  expect(problems).toEqual([]);
});

test('blank lines, CR LF, a mark and a missing last line end change nothing but line numbers', async () => {
  const { rows, problems } = await read(`\ufeff\r\n${GOOD}\r\n  \r\n\r\n${GOOD}`);
  expect(rows.map((row) => row.line)).toEqual([2, 5]);
  expect(problems).toEqual([]);
});

test('a U+2028 inside a text does not split the row', async () => {
  const { rows } = await read(`{"image":"a.png","question":"a\u2028b","thought":"T","answer":"A"}`);
  expect(rows[0]!.question).toBe('a\u2028b');
});

test('a cut last line is said to be cut', async () => {
  const { rows, problems } = await read(`${GOOD}\n${GOOD.slice(0, 30)}`);
  expect(rows).toHaveLength(1);
  expect(problems[0]).toMatchObject({ code: 'jsonl.syntax', line: 2 });
  expect(problems[0]!.message).toContain('cut off');
});

test('a key given twice is a warning and the last value counts', async () => {
  const { rows, problems } = await read(`${GOOD.slice(0, -1)},"answ\\u0065r":"no"}`);
  expect(rows[0]!.answer).toBe('no');
  expect(problems).toMatchObject([{ level: 'warning', code: 'jsonl.duplicateKey', line: 1 }]);
});

test('__proto__ and constructor keys do not reach any prototype', async () => {
  const { rows } = await read(`${GOOD.slice(0, -1)},"__proto__":{"polluted":1},"constructor":{"x":1}}`);
  expect(Object.keys(rows[0]!).sort()).toEqual(['answer', 'file', 'image', 'line', 'question', 'thought']);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('an image placeholder in the question and a NUL are warnings', async () => {
  const { rows, problems } = await read(rowText('a.png', '<image> What?', 'T\0', 'A'));
  expect(rows).toHaveLength(1);
  expect(problems.map(({ level, code }) => [level, code])).toEqual([
    ['warning', 'row.control'],
    ['warning', 'row.placeholder'],
  ]);
});

test('a JSON list is read with element numbers and a remark', async () => {
  const { rows, problems } = await read(`\n[\n  ${GOOD},\n  {"image": 1},\n ${GOOD}\n]`);
  expect(rows.map((row) => row.line)).toEqual([1, 3]);
  expect(problems.map(({ code, line }) => [code, line])).toEqual([
    ['jsonl.list', undefined],
    ['row.missing', 2],
    ['row.type', 2],
  ]);
});

test('a broken JSON list is one problem', async () => {
  const { rows, problems } = await read(`[${GOOD},\n${GOOD},]`);
  expect(rows).toEqual([]);
  expect(problems).toMatchObject([{ level: 'error', code: 'jsonl.list' }]);
  expect(problems[0]!.message).toContain('comma');
});

test('pretty-printed objects are one problem that says how to convert', async () => {
  const row = JSON.stringify(JSON.parse(GOOD), null, 2);
  const { rows, problems } = await read(`${row}\n${row}\n`);
  expect(rows).toEqual([]);
  expect(problems).toMatchObject([{ level: 'error', code: 'jsonl.pretty', line: 1 }]);
  expect(problems[0]!.message).toContain('jq -c .');
});

test('files that are no JSON lines are one problem that names what they are', async () => {
  const utf16 = new Uint8Array(Uint16Array.from(`\ufeff${GOOD}`, (c) => c.charCodeAt(0)).buffer);
  const cases: [string | Uint8Array<ArrayBuffer>, string, string][] = [
    [utf16, 'jsonl.utf16', 'UTF-16'],
    ['<!DOCTYPE html>\n<html>', 'jsonl.notJson', 'HTML'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0', 'jsonl.notJson', 'git lfs pull'],
    ['PK\u0003\u0004....', 'jsonl.notJson', 'zip'],
    ['', 'jsonl.empty', 'no rows'],
    ['\n \r\n', 'jsonl.empty', 'no rows'],
  ];
  for (const [content, code, word] of cases) {
    const { rows, problems } = await read(content);
    expect(rows).toEqual([]);
    expect(problems).toMatchObject([{ level: 'error', code }]);
    expect(problems[0]!.message).toContain(word);
  }
});

test('a file with thousands of bad lines is reported in few lines with a count', async () => {
  const { rows, problems } = await read(`${GOOD}\n${'oops\n'.repeat(3000)}${GOOD}`);
  expect(rows.map((row) => row.line)).toEqual([1, 3002]);
  expect(problems.length).toBeLessThan(60);
  expect(problems.at(-1)?.message).toContain('2950 more');
});

test('a file that can no longer be read is a problem, not a crash', async () => {
  const gone = new Blob(['x']);
  gone.stream = () => new ReadableStream({ start: (c) => c.error(new DOMException('gone', 'NotReadableError')) });
  const problems = createProblemList();
  const { blobSource } = await import('./sourceFile');
  expect(await readRowsFile(blobSource('train.jsonl', gone), problems)).toEqual([]);
  expect(problems.all()).toMatchObject([{ level: 'error', code: 'file.unreadable', file: 'train.jsonl' }]);
});
