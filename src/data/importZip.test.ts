// Zips: opened like folders, with limits that hold against archives that lie.

import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import type { ImportProblem } from '../base/dataset';
import { importFiles } from './import';
import { createProblemList } from './importProblems';
import { drop, pngOf, rowText } from './importTestFiles';
import { IMPORT_LIMITS, readFiles } from './readFiles';
import { readAll } from './sourceFile';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const CENTRAL = [0x50, 0x4b, 1, 2];

type Zip = Uint8Array<ArrayBuffer>;

function zipOf(files: Record<string, Uint8Array>, level: 0 | 6 = 6): Zip {
  return new Uint8Array(zipSync(files, { level }));
}

/** Overwrites a u32 or u16 field of the central directory's entry `which`. */
function patch(zip: Zip, which: number, field: number, value: number, bits: 16 | 32 = 32): Zip {
  const out = zip.slice();
  let at = -1;
  for (let i = 0, seen = 0; i < out.length - 4 && at < 0; i++) {
    if (CENTRAL.every((byte, k) => out[i + k] === byte) && seen++ === which) at = i;
  }
  const view = new DataView(out.buffer);
  if (bits === 32) view.setUint32(at + field, value, true);
  else view.setUint16(at + field, value, true);
  return out;
}

async function open(zip: Zip, limits = IMPORT_LIMITS): Promise<{ paths: string[]; problems: ImportProblem[] }> {
  const problems = createProblemList();
  const { rows, images, others } = await readFiles([drop('data.zip', zip)], problems, limits);
  return { paths: [...rows, ...images].map(({ path }) => path).concat(others), problems: problems.all() };
}

async function content(zip: Zip): Promise<string> {
  const { rows } = await readFiles([drop('data.zip', zip)], createProblemList());
  return new TextDecoder().decode(await readAll(rows[0]!, 1e9));
}

test('rows and images in a zip are imported, deflated or stored, and clutter is left out', async () => {
  const files = {
    'set/train.jsonl': encode(rowText('images/a.png')),
    'set/val.jsonl': encode(rowText('a.png', 'Other?')),
    'set/images/a.png': pngOf(1),
    '__MACOSX/set/._train.jsonl': encode('x'),
    'set/.DS_Store': encode('x'),
  };
  for (const level of [0, 6] as const) {
    const options = { name: 'data.zip', validationRatio: 0.1, seed: 1 };
    const { rows, problems } = await importFiles([drop('data.zip', zipOf(files, level))], options, () => undefined);
    expect(problems).toEqual([]);
    expect(rows.map(({ file, split }) => [file, split])).toEqual([
      ['data.zip/set/train.jsonl', 'train'],
      ['data.zip/set/val.jsonl', 'val'],
    ]);
  }
});

test('a zip behind other bytes and with a comment is read', async () => {
  const zip = zipOf({ 'a.jsonl': encode('hello') });
  const prefixed = new Uint8Array([...encode('#!/bin/sh\n'), ...zip, ...encode('hi')]);
  new DataView(prefixed.buffer).setUint16(prefixed.length - 4, 2, true);
  expect(await content(prefixed)).toBe('hello');
});

test('paths that leave the archive, links and encrypted files are refused and the rest stays', async () => {
  const names = ['../evil.jsonl', '/abs.jsonl', 'C:/x.jsonl', 'a\\b.jsonl', 'good.jsonl'];
  const { paths, problems } = await open(zipOf(Object.fromEntries(names.map((name) => [name, encode('x')]))));
  expect(paths).toEqual(['data.zip/good.jsonl']);
  expect(problems.map(({ code }) => code)).toEqual(Array(4).fill('zip.entry'));
  const two = zipOf({ 'a.jsonl': encode('x'), 'b.jsonl': encode('y') });
  const encrypted = await open(patch(two, 0, 8, 1, 16));
  expect(encrypted.problems[0]!.message).toContain('password');
  const link = await open(patch(two, 0, 40, 0xa1ff, 16));
  expect(link.problems[0]!.message).toContain('link');
  const odd = await open(patch(two, 0, 10, 14, 16));
  expect(odd.problems[0]!.message).toContain('method 14');
  for (const { paths: left } of [encrypted, link, odd]) expect(left).toEqual(['data.zip/b.jsonl']);
});

test('a file that inflates beyond its declared size is stopped', async () => {
  const bomb = patch(zipOf({ 'a.jsonl': new Uint8Array(50_000_000) }), 0, 24, 1000);
  await expect(content(bomb)).rejects.toMatchObject({ code: 'zip.tooLarge' });
});

test('a zip that declares more bytes or files than are accepted is refused as a whole', async () => {
  const zip = zipOf({ 'a.jsonl': new Uint8Array(5000), 'b.jsonl': new Uint8Array(5000) });
  for (const limits of [
    { ...IMPORT_LIMITS, zipBytes: 9999 },
    { ...IMPORT_LIMITS, zipEntries: 1 },
  ]) {
    const { paths, problems } = await open(zip, limits);
    expect(paths).toEqual([]);
    expect(problems).toMatchObject([{ level: 'error', code: 'zip.tooLarge', file: 'data.zip' }]);
  }
});

test('a file that comes out shorter or with another checksum is damaged', async () => {
  const zip = zipOf({ 'a.jsonl': encode('hello hello hello') });
  await expect(content(patch(zip, 0, 24, 99))).rejects.toMatchObject({ code: 'zip.damaged' });
  await expect(content(patch(zip, 0, 16, 1))).rejects.toMatchObject({ code: 'zip.damaged' });
});

test('damaged packed data names the file in the zip, and other files stay usable', async () => {
  const zip = zipOf({
    'bad.jsonl': encode('abc'.repeat(50)),
    'good.jsonl': encode(rowText('a.png')),
    'a.png': pngOf(1),
  });
  zip.fill(0xff, 42, 46);
  const options = { name: 'data.zip', validationRatio: 0, seed: 1 };
  const { rows, problems } = await importFiles([drop('data.zip', zip)], options, () => undefined);
  expect(rows).toHaveLength(1);
  expect(problems[0]).toMatchObject({ level: 'error', code: 'zip.damaged', file: 'data.zip/bad.jsonl' });
});

test('a cut zip and a file that is no zip are one problem each', async () => {
  const zip = zipOf({ 'a.jsonl': new Uint8Array(5000) }, 0);
  for (const bytes of [zip.slice(0, 3000), new Uint8Array(encode('no zip')), new Uint8Array()]) {
    const { paths, problems } = await open(bytes);
    expect(paths).toEqual([]);
    expect(problems).toMatchObject([{ level: 'error', code: 'zip.damaged', file: 'data.zip' }]);
  }
});

test('a directory that points past the end or to no header is damaged', async () => {
  const zip = zipOf({ 'a.jsonl': encode('hello') });
  await expect(content(patch(zip, 0, 42, 5))).rejects.toMatchObject({ code: 'zip.damaged' });
  await expect(content(patch(zip, 0, 20, 5_000_000))).rejects.toMatchObject({ code: 'zip.damaged' });
});
