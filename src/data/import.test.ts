// Whole imports: images of rows, splits, duplicates, ids.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ImportProblem, InputFile } from '../base/dataset';
import { decodeImage } from '../image/decode';
import type { ImportResult } from './import';
import { datasetId, importFiles } from './import';
import { drop, pngOf, rowText } from './importTestFiles';

const OPTIONS = { name: 'drop', validationRatio: 0.2, seed: 7 };

function run(files: InputFile[], options: Partial<Parameters<typeof importFiles>[1]> = {}): Promise<ImportResult> {
  return importFiles(files, { ...OPTIONS, ...options }, () => undefined);
}

function errors(problems: ImportProblem[]): [string, number | undefined][] {
  return problems.filter(({ level }) => level === 'error').map(({ code, line }) => [code, line]);
}

function codes(problems: ImportProblem[]): string[] {
  return problems.map(({ code }) => code);
}

const A = drop('images/a.png', pngOf(1));
const B = drop('images/b.png', pngOf(2));

test('the demo is read whole: 400 and 100 rows by file name, 184 images, no problem', async () => {
  const root = 'public/demo/data';
  const files = readdirSync(`${root}/images`).map((name) => `images/${name}`);
  const all = ['demo_cot_train.jsonl', 'demo_cot_val.jsonl', ...files];
  const progress: string[] = [];
  const { rows, images, problems } = await importFiles(
    all.map((path) => drop(path, new Uint8Array(readFileSync(`${root}/${path}`)))),
    OPTIONS,
    (step, done, total) => progress.push(`${step} ${done}/${total}`),
  );
  expect(problems).toEqual([]);
  expect(rows.filter((row) => row.split === 'train')).toHaveLength(400);
  expect(rows.filter((row) => row.split === 'val')).toHaveLength(100);
  expect(images.size).toBe(new Set(rows.map((row) => row.image)).size);
  expect(progress).toContain('read 2/2');
  expect(progress.at(-1)).toBe('images 184/184');
});

test('an image key is the sha256 of the file, and equal files are stored once', async () => {
  const hello = new TextEncoder().encode('hello');
  expect(
    Buffer.from(await crypto.subtle.digest('SHA-256', hello))
      .toString('hex')
      .slice(0, 8),
  ).toBe('2cf24dba');
  const lines = `${rowText('a.png')}\n${rowText('copy.png')}`;
  const { rows, images } = await run([drop('train.jsonl', lines), A, drop('images/copy.png', pngOf(1))]);
  const { createHash } = await import('node:crypto');
  expect(rows[0]!.image).toBe(createHash('sha256').update(pngOf(1)).digest('hex'));
  expect(rows[1]!.image).toBe(rows[0]!.image);
  expect(images.size).toBe(1);
});

test('missing images are listed up to 20 with a count, and only their rows are left out', async () => {
  const names = Array.from({ length: 25 }, (_, i) => `gone${i}.png`);
  const lines = [rowText('a.png'), ...names.map((name) => rowText(name))].join('\n');
  const { rows, problems } = await run([drop('train.jsonl', lines), A]);
  expect(rows.map((row) => row.imageName)).toEqual(['a.png']);
  const missing = problems.filter(({ code }) => code === 'image.missing');
  expect(missing).toHaveLength(20);
  expect(missing[0]).toMatchObject({ file: 'train.jsonl', line: 2 });
  expect(missing[0]!.message).toContain('"gone0.png"');
  expect(problems.find(({ code }) => code === 'image.missingCount')?.message).toContain('25 images');
});

test('unsafe image names are refused with file and line', async () => {
  const names = ['../a.png', 'images/../../a.png', '/etc/a.png', 'C:\\a.png', 'images\\a.png', 'https://x.y/a.png'];
  const lines = [...names, 'a.png\0', 'a.png'].map((name) => rowText(name)).join('\n');
  const { rows, problems } = await run([drop('train.jsonl', lines), A]);
  expect(rows.map((row) => row.line)).toEqual([8]);
  expect(problems.filter(({ code }) => code === 'image.path').map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('percent-encoded names are names, not paths', async () => {
  const { problems } = await run([drop('train.jsonl', rowText('%2e%2e%2fa.png')), A]);
  expect(errors(problems)).toEqual([['image.missing', 1]]);
});

test('an image is found beside the rows, from the top, by its end and by its name', async () => {
  const files = [drop('set/images/a.png', pngOf(1)), drop('set/train.jsonl', '')];
  for (const name of ['images/a.png', './images/a.png', 'set/images/a.png', 'a.png', 'COCO/a.png']) {
    const { rows, problems } = await run([files[0]!, drop('set/train.jsonl', rowText(name))]);
    expect([name, rows.length, errors(problems)]).toEqual([name, 1, []]);
  }
});

test('the same name in two folders is ambiguous unless the row gives the folder', async () => {
  const files = [drop('x/a.png', pngOf(1)), drop('y/a.png', pngOf(2))];
  const both = await run([...files, drop('train.jsonl', `${rowText('a.png')}\n${rowText('y/a.png')}`)]);
  expect(errors(both.problems)).toEqual([['image.ambiguous', 1]]);
  expect(both.rows.map((row) => row.line)).toEqual([2]);
  const beside = await run([...files, drop('x/train.jsonl', rowText('a.png'))]);
  expect(beside.rows).toHaveLength(1);
});

test('letter case and accents in another form are accepted with a warning', async () => {
  const files = [drop('images/Caf\u0065\u0301.PNG', pngOf(3)), drop('train.jsonl', rowText('caf\u00e9.png'))];
  const { rows, problems } = await run([...files, drop('val.jsonl', rowText('Caf\u0065\u0301.PNG', 'Other?'))]);
  expect(rows).toHaveLength(2);
  expect(problems).toMatchObject([{ level: 'warning', code: 'image.spelling', file: 'train.jsonl', line: 1 }]);
});

test('two files that differ in letter case only are told apart exactly', async () => {
  const files = [drop('a.png', pngOf(1)), drop('A.png', pngOf(2))];
  const { rows, problems } = await run([...files, drop('train.jsonl', `${rowText('A.png')}\n${rowText('a.png')}`)]);
  expect(problems).toEqual([]);
  expect(rows[0]!.image).not.toBe(rows[1]!.image);
});

/** Files that are no usable picture, and the code that each gets. */
const PICTURES: [string, string | Uint8Array<ArrayBuffer>, string][] = [
  ['text.png', 'not a picture', 'image.format'],
  ['empty.png', '', 'image.empty'],
  ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image.format'],
  ['cutHeader.png', pngOf(1).slice(0, 20), 'image.truncated'],
  ['thin.png', pngOf(1, 1, 300), 'image.aspectRatio'],
  ['cut.png', pngOf(9, 40, 40).slice(0, -30), 'image.truncated'],
];

for (const [name, content, code] of PICTURES) {
  test(`${name} is named with the first line that uses it (${code})`, async () => {
    const lines = `${rowText('a.png')}\n${rowText(name)}\n${rowText(name, 'Other?')}`;
    const inspectImage = async (bytes: Uint8Array): Promise<void> => {
      await decodeImage(bytes);
    };
    const { rows, images, problems } = await run([drop('train.jsonl', lines), A, drop(name, content)], {
      inspectImage,
    });
    expect(rows.map((row) => row.line)).toEqual([1]);
    expect(images.size).toBe(1);
    const found = problems.filter(({ level }) => level === 'error');
    expect(found).toMatchObject([{ code, file: name }]);
    expect(found[0]!.message).toContain('train.jsonl, line 2; 2 rows');
  });
}

test('a picture of 16,000 x 16,000 pixels is refused by its header', async () => {
  const bomb = pngOf(1);
  const view = new DataView(bomb.buffer);
  view.setUint32(16, 16000);
  view.setUint32(20, 16000);
  const { crc32 } = await import('../image/pngChunks');
  view.setUint32(29, crc32(bomb.subarray(12, 29)));
  const { rows, problems } = await run([drop('train.jsonl', rowText('bomb.png')), drop('bomb.png', bomb)]);
  expect(rows).toEqual([]);
  expect(errors(problems)).toEqual([['image.tooLarge', undefined]]);
});

test('a PNG that is called .jpg is what it is', async () => {
  const { rows, problems } = await run([drop('train.jsonl', rowText('a.jpg')), drop('a.jpg', pngOf(1))]);
  expect(rows).toHaveLength(1);
  expect(codes(problems)).not.toContain('image.format');
});

test('unused images are counted, clutter and other files are not', async () => {
  const extras = [
    B,
    drop('.DS_Store', 'x'),
    drop('__MACOSX/._a.png', 'x'),
    drop('recipe.json', '{}'),
    drop('n.txt', ''),
  ];
  const { problems } = await run([drop('train.jsonl', rowText('a.png')), A, ...extras], { validationRatio: 0 });
  expect(problems.filter(({ code }) => code === 'image.unused')).toMatchObject([{ level: 'warning' }]);
  expect(codes(problems).sort()).toEqual(['image.unused', 'split.noValidation']);
});

test('without a file of rows the import says so and names what it found', async () => {
  const { rows, problems } = await run([A, drop('notes.txt', 'x')]);
  expect(rows).toEqual([]);
  expect(problems[0]).toMatchObject({ level: 'error', code: 'import.noRowFile' });
  expect(problems[0]!.message).toContain('notes.txt');
});

test('a .json list of rows is taken when there is no .jsonl', async () => {
  const { rows } = await run([drop('rows.json', `[${rowText('a.png')}]`), A]);
  expect(rows).toHaveLength(1);
});

test('duplicate rows are kept with a warning, across the splits with a stronger one', async () => {
  const train = drop('train.jsonl', `${rowText('a.png')}\n${rowText('b.png')}\n${rowText('a.png')}`);
  const { rows, problems } = await run([train, drop('val.jsonl', rowText('b.png')), A, B]);
  expect(rows).toHaveLength(4);
  expect(problems.map(({ code, file, line }) => [code, file, line])).toEqual([
    ['row.duplicate', 'train.jsonl', 3],
    ['row.leak', 'val.jsonl', 1],
  ]);
});

test('the id depends on rows, images and split, not on names or the order of the drop', async () => {
  const rows = drop('train.jsonl', `${rowText('a.png')}\n${rowText('b.png')}`);
  const val = drop('val.jsonl', rowText('a.png', 'Other?'));
  const id = async (files: InputFile[]): Promise<string> => datasetId((await run(files)).rows);
  const first = await id([rows, val, A, B]);
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  expect(await id([B, val, A, rows])).toBe(first);
  const moved = [rows, val, A, B].map(({ path, file }) => ({ path: `folder/${path}`, file }));
  expect(await id(moved)).toBe(first);
  expect(await id([rows, val, A, drop('images/b.png', pngOf(77))])).not.toBe(first);
  expect(await id([rows, drop('val.jsonl', rowText('a.png', 'More?')), A, B])).not.toBe(first);
});
