// Whole imports: images of rows, splits, duplicates, ids.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { crc32 } from '../base/bytes';
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

test('image names that lead out of the drop are refused with file and line', async () => {
  const names = ['../a.png', 'images/../../a.png', '..\\a.png', 'https://x.y/a.png', 'file:///images/a.png', 'a.png\0'];
  const lines = [...names, 'a.png'].map((name) => rowText(name)).join('\n');
  const { rows, problems } = await run([drop('train.jsonl', lines), A]);
  expect(rows.map((row) => row.line)).toEqual([7]);
  expect(problems.filter(({ code }) => code === 'image.path').map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('paths of another machine find the picture whose folders they end with, and no other', async () => {
  const found = ['images\\a.png', '/home/me/images/a.png', 'C:\\data\\images\\a.png', '.\\images\\a.png'];
  for (const name of found) {
    const lines = `${rowText(name)}\n${rowText('images/a.png', 'Other?')}`;
    const { rows, problems } = await run([drop('train.jsonl', lines), A]);
    expect([name, rows.length, errors(problems)]).toEqual([name, 2, []]);
  }
  for (const name of ['/etc/a.png', 'C:\\a\\a.png', 'other\\a.png']) {
    const { problems } = await run([drop('train.jsonl', rowText(name)), A]);
    expect([name, errors(problems)]).toEqual([name, [['image.missing', 1]]]);
  }
});

test('percent-encoded names are names, not paths', async () => {
  const { problems } = await run([drop('train.jsonl', rowText('%2e%2e%2fa.png')), A]);
  expect(errors(problems)).toEqual([['image.missing', 1]]);
});

test('an image is found beside the rows, from the top and by its end', async () => {
  const files = [drop('set/images/a.png', pngOf(1)), drop('set/train.jsonl', '')];
  for (const name of ['images/a.png', './images/a.png', 'set/images/a.png', 'a.png', 'all/set/images/a.png']) {
    const { rows, problems } = await run([files[0]!, drop('set/train.jsonl', rowText(name))]);
    expect([name, rows.length, errors(problems)]).toEqual([name, 1, []]);
  }
});

test('a missing picture is not replaced by one of the same name in another folder', async () => {
  const train = [0, 1].map((i) => rowText(`train/000${i}.png`)).join('\n');
  const val = [0, 1].map((i) => rowText(`val/000${i}.png`)).join('\n');
  const files = [drop('d/train.jsonl', train), drop('d/val.jsonl', val)];
  const pictures = [drop('d/val/0000.png', pngOf(1)), drop('d/val/0001.png', pngOf(2))];
  const { rows, problems } = await run([...files, ...pictures]);
  expect(rows.map(({ file, line }) => [file, line])).toEqual([
    ['d/val.jsonl', 1],
    ['d/val.jsonl', 2],
  ]);
  expect(rows.every(({ split }) => split === 'val')).toBe(true);
  expect(errors(problems)).toEqual([
    ['image.missing', 1],
    ['image.missing', 2],
  ]);
  const animals = await run([
    drop('d/rows.jsonl', `${rowText('cats/1.png')}\n${rowText('dogs/1.png')}`),
    drop('d/dogs/1.png', pngOf(1)),
  ]);
  expect(animals.rows.map(({ line }) => line)).toEqual([2]);
});

/** Pictures of a drop by their paths, and a row of `file` that names `name`: what was taken for it. */
async function taken(pictures: string[], file: string, name: string): Promise<string> {
  const files = pictures.map((path, i) => drop(path, pngOf(i + 1)));
  const { rows, images, problems } = await run([...files, drop(file, rowText(name))]);
  const [row] = rows;
  if (!row)
    return errors(problems)
      .map(([code]) => code)
      .join();
  const contents = await Promise.all(files.map(async ({ file: blob }) => Buffer.from(await blob.arrayBuffer())));
  const at = contents.findIndex((bytes) => bytes.equals(images.get(row.image)!));
  return pictures[at]! + (codes(problems).includes('image.byName') ? ', by name alone' : '');
}

test('a picture is not taken from outside a folder that the row names and the drop has', async () => {
  const cases: [string[], string, string][] = [
    [['d/train/0001.png', 'd/0000.png'], 'd/train.jsonl', 'train/0000.png'],
    [['train/0001.png', 'val/0000.png'], 'val/val.jsonl', 'train/0000.png'],
    [['d/Train/0001.png', 'd/0000.png'], 'd/train.jsonl', 'train/0000.PNG'],
    [['x/train/0001.png', '0000.png'], 'rows.jsonl', 'train/0000.png'],
    [['0000.png'], 'train/rows.jsonl', 'train/0000.png'],
    [['train/0001.png', 'a/0000.png'], 'rows.jsonl', 'train/a/0000.png'],
    [['d/train/0001.png', 'd/train/crops/0000.png'], 'd/train/crops/rows.jsonl', 'train/0000.png'],
    [['set/images/1.png', 'set/train/images/0.png'], 'set/train/rows.jsonl', 'me/set/images/0.png'],
    // The folder is where the row says, without the picture; the same name elsewhere is another folder.
    [['a/images/1.png', 'b/images/0.png'], 'a/rows.jsonl', 'images/0.png'],
    [['a/images/1.png', 'a/old/images/0.png'], 'a/rows.jsonl', 'images/0.png'],
    [['a/images/1.png', 'images/0.png'], 'a/rows.jsonl', 'images/0.png'],
    [['images/1.png', 'b/images/0.png'], 'a/rows.jsonl', 'images/0.png'],
  ];
  for (const [pictures, file, name] of cases) {
    expect([pictures, name, await taken(pictures, file, name)]).toEqual([pictures, name, 'image.missing']);
  }
});

test('a folder of links that could not be read is a folder of the drop', async () => {
  const files = [drop('d/0000.png', pngOf(1)), drop('d/train.jsonl', rowText('train/0000.png'))];
  expect((await run(files)).rows).toHaveLength(1);
  expect((await run(files, { unread: ['d/train'] })).rows).toEqual([]);
});

test('folders of another machine that the drop lacks do not matter, whatever stands before its top folder', async () => {
  const byName: [string[], string, string][] = [
    [['data/images/1.png'], 'data/train.jsonl', '/home/me/data/shapes/images/1.png'],
    [['data/images/1.png'], 'data/train.jsonl', '/data/me/data/images/1.png'],
    [['shapes/images/1.png'], 'shapes/data/train.jsonl', '/home/me/data/shapes/images/1.png'],
    [['d/1.png', 'd/more/2.png'], 'd/train.jsonl', 'images/1.png'],
  ];
  for (const [pictures, file, name] of byName) {
    expect([name, await taken(pictures, file, name)]).toEqual([name, `${pictures[0]}, by name alone`]);
  }
});

test('a bare name that finds a picture outside the folder of its rows is matched by name alone', async () => {
  const byName: [string[], string][] = [
    [['a/val/0.png'], 'a/train/rows.jsonl'],
    [['0.png', 'a/1.png'], 'a/rows.jsonl'],
    [['images/0.png'], 'labels/rows.jsonl'],
  ];
  for (const [pictures, file] of byName) {
    expect([file, await taken(pictures, file, '0.png')]).toEqual([file, `${pictures[0]}, by name alone`]);
  }
  const ordinary: [string[], string][] = [
    [['a/images/0.png'], 'a/rows.jsonl'],
    [['images/0.png', 'images/1.png'], 'rows.jsonl'],
    [['a/0.png', 'b/1.png'], 'a/rows.jsonl'],
  ];
  for (const [pictures, file] of ordinary) {
    expect([file, await taken(pictures, file, '0.png')]).toEqual([file, pictures[0]]);
  }
});

test('letter case does not make a picture of another folder the row’s', async () => {
  const { problems } = await run([drop('train.jsonl', rowText('Train/a.PNG')), drop('val/A.png', pngOf(1))]);
  expect(errors(problems)).toEqual([['image.missing', 1]]);
});

test('how many rows were matched by file name alone is said once a file', async () => {
  const lines = ['images/a.png', 'images/a.png', 'images/b.png'].map((name) => rowText(name, name)).join('\n');
  const flat = [drop('d/a.png', pngOf(1)), drop('d/b.png', pngOf(2))];
  const { rows, problems } = await run([drop('d/train.jsonl', lines), ...flat]);
  expect(rows).toHaveLength(3);
  const [note, ...more] = problems.filter(({ code }) => code === 'image.byName');
  expect(more).toEqual([]);
  expect(note).toMatchObject({ level: 'warning', file: 'd/train.jsonl' });
  expect(note!.message).toBe(
    '3 rows were matched to a picture by file name alone: "images/a.png" in line 1 is taken to be d/a.png',
  );
});

test('a bare name is matched by name alone only where the pictures lie in several folders', async () => {
  const one = await run([drop('train.jsonl', rowText('a.png')), A, B]);
  expect(codes(one.problems)).not.toContain('image.byName');
  const two = await run([drop('train.jsonl', rowText('a.png')), A, drop('more/b.png', pngOf(2))]);
  expect(codes(two.problems)).toContain('image.byName');
});

test('two names of one file of rows never end on one picture', async () => {
  const pairs = [
    ['train/0.png', 'val/0.png'],
    ['train/0.png', '0.png'],
  ];
  for (const names of pairs) {
    const { problems } = await run([
      drop('rows.jsonl', names.map((name) => rowText(name)).join('\n')),
      drop('0.png', pngOf(1)),
    ]);
    const expected = names.map((_, i) => ['image.ambiguous', i + 1]).filter((_, i) => names[i] !== '0.png');
    expect([names, errors(problems)]).toEqual([names, expected]);
  }
  const folded = await run([
    drop('rows.jsonl', `${rowText('images/a.png')}\n${rowText('images/A.png')}`),
    drop('images/a.png', pngOf(1)),
  ]);
  expect(errors(folded.problems)).toEqual([['image.ambiguous', 2]]);
  expect(folded.problems[0]!.message).toContain('"images/a.png" in rows.jsonl, line 1');
});

test('a picture at its place in one dataset is not taken for a missing one of the dataset beside it', async () => {
  const rows = rowText('images/0.png');
  const files = [drop('a/rows.jsonl', rows), drop('b/rows.jsonl', rows), drop('b/images/0.png', pngOf(1))];
  const { rows: kept, problems } = await run(files);
  expect(kept.map(({ file }) => file)).toEqual(['b/rows.jsonl']);
  expect(problems).toMatchObject([{ code: 'image.ambiguous', file: 'a/rows.jsonl', line: 1 }, {}]);
});

test('without a picture in the drop it is said that links are passed over', async () => {
  const { problems } = await run([drop('train.jsonl', rowText('a.png'))]);
  expect(problems.find(({ code }) => code === 'image.none')?.message).toContain('links');
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

test('a list of rows in a .json file is named when .jsonl files are read instead of it', async () => {
  const lists = [drop('val.json', `\n [${rowText('a.png')}]`), drop('config.json', '{"a": [1]}')];
  const { rows, problems } = await run([drop('train.jsonl', rowText('a.png')), A, ...lists], { validationRatio: 0 });
  expect(rows).toHaveLength(1);
  const ignored = problems.filter(({ code }) => code === 'file.ignored');
  expect(ignored).toMatchObject([{ level: 'warning', file: 'val.json' }]);
  expect(ignored[0]!.message).toContain('train.jsonl');
});

test('a drop without any file is an error that names it', async () => {
  await expect(run([], { name: 'empty' })).rejects.toMatchObject({
    code: 'import.noFiles',
    message: 'no files in empty',
  });
});

test('entries that the browser did not let the page read are counted and named', async () => {
  const unread = ['d/a.png', 'd/b.png', 'd/c.png', 'd/d.png'];
  const { rows, problems } = await run([drop('train.jsonl', rowText('a.png')), A], { unread });
  expect(rows).toHaveLength(1);
  expect(problems[0]).toMatchObject({ level: 'error', code: 'file.unread', file: 'drop' });
  expect(problems[0]!.message).toBe('4 entries could not be read and may be links: d/a.png, d/b.png, d/c.png, ...');
  await expect(run([], { unread })).rejects.toMatchObject({ message: expect.stringContaining('4 entries') });
});

/** How many rows are for training and for validation, with the number of noValidation warnings. */
async function sides(files: InputFile[], validationRatio = 0.5): Promise<[number, number, number]> {
  const { rows, problems } = await run([A, B, ...files], { validationRatio });
  const val = rows.filter(({ split }) => split === 'val').length;
  return [rows.length - val, val, codes(problems).filter((code) => code === 'split.noValidation').length];
}

const TWO_ROWS = `${rowText('a.png')}\n${rowText('b.png')}`;

test('a file that holds no rows has no say in what the others are for', async () => {
  const train = drop('train.jsonl', TWO_ROWS);
  for (const content of ['', '{"image": "a.png"}', 'no JSON']) {
    expect([content, await sides([train, drop('val.jsonl', content)])]).toEqual([content, [1, 1, 0]]);
  }
  const list = drop('train.json', `[${TWO_ROWS.replace('\n', ',')}]`);
  for (const name of ['eval_results.json', 'test_config.json']) {
    for (const content of ['{"accuracy": 0.5}', '[{"accuracy": 0.5}]', '{\n  "accuracy": 0.5\n}']) {
      expect([name, content, await sides([list, drop(name, content)])]).toEqual([name, content, [1, 1, 0]]);
    }
  }
});

test('rows stay on the side that their file names when no picture of the other files is there', async () => {
  const val = drop('val.jsonl', TWO_ROWS);
  for (const name of ['train.jsonl', 'rows.jsonl']) {
    expect([name, await sides([drop(name, rowText('gone.png')), val])]).toEqual([name, [0, 2, 0]]);
  }
});

test('when the validation rows lack their pictures it is said that there are none', async () => {
  expect(await sides([drop('train.jsonl', TWO_ROWS), drop('val.jsonl', rowText('gone.png'))])).toEqual([2, 0, 1]);
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
