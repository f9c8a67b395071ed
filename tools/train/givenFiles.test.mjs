import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listFolder, listTree } from './givenFiles.mjs';

let root;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'lorikeet-given-')));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(...names) {
  for (const name of names) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), name);
  }
}

function refusal(work) {
  try {
    work();
  } catch (error) {
    return error.message;
  }
  throw new Error('nothing was refused');
}

test('a folder whose files are links gives the linked files under the names of the links', async () => {
  await write('blobs/1f', 'blobs/2e');
  await mkdir(join(root, 'snapshot'));
  await symlink('../blobs/1f', join(root, 'snapshot/config.json'));
  await symlink('../blobs/2e', join(root, 'snapshot/model.safetensors'));
  // Two files of equal content share one blob.
  await symlink('../blobs/2e', join(root, 'snapshot/again.safetensors'));
  expect(listFolder('--model snapshot', join(root, 'snapshot'), { deep: false })).toEqual([
    { name: 'again.safetensors', path: join(root, 'blobs/2e') },
    { name: 'config.json', path: join(root, 'blobs/1f') },
    { name: 'model.safetensors', path: join(root, 'blobs/2e') },
  ]);
});

test('a linked folder, and one behind a link itself, is walked like any other', async () => {
  await write('far/a.png', 'far/deeper/b.png', 'data/rows.jsonl');
  await symlink('../far', join(root, 'data/images'));
  await symlink('data', join(root, 'link'));
  const names = ['link/images/a.png', 'link/images/deeper/b.png', 'link/rows.jsonl'];
  expect(listTree('--data link', join(root, 'link')).map(({ name }) => name)).toEqual(names);
});

test('a model’s folder is taken without what lies in its folders', async () => {
  await write('model/config.json', 'model/onnx/model.onnx');
  expect(listFolder('--model model', join(root, 'model'), { deep: false })).toHaveLength(1);
});

test('links that lead in circles end the walk and lose no file', async () => {
  await write('data/rows.jsonl', 'data/a/one.png', 'data/b/two.png');
  await symlink('..', join(root, 'data/a/up'));
  await symlink('../b', join(root, 'data/a/over'));
  await symlink('../a', join(root, 'data/b/back'));
  const paths = new Set(listTree('--data data', join(root, 'data')).map(({ path }) => path));
  expect([...paths].sort()).toEqual(['a/one.png', 'b/two.png', 'rows.jsonl'].map((name) => join(root, 'data', name)));
});

test('a link to nothing, and one to itself, are named with where they lead', async () => {
  await write('data/rows.jsonl');
  await symlink('/nowhere/a.png', join(root, 'data/a.png'));
  await symlink('b.png', join(root, 'data/b.png'));
  const text = refusal(() => listTree('--data data', join(root, 'data')));
  expect(text).toContain('--data data: a.png is a link to /nowhere/a.png, which is not there');
  expect(text).toContain('b.png is a link that leads back to itself');
});

test('a hidden link to nothing, such as an editor’s lock, is no fault', async () => {
  await write('data/rows.jsonl');
  await symlink('someone@host.123', join(root, 'data/.#rows.jsonl'));
  expect(listTree('--data data', join(root, 'data'))).toHaveLength(1);
});

test('a folder without files is said to have none', async () => {
  await mkdir(join(root, 'empty/within'), { recursive: true });
  const text = refusal(() => listTree('--data empty', join(root, 'empty')));
  expect(text).toBe(`--data empty: there are no files in ${join(root, 'empty')}.`);
});

test('one file is given under its own name, whatever the file behind a link is called', async () => {
  await write('blob');
  await symlink('blob', join(root, 'rows.zip'));
  expect(listTree('--data rows.zip', join(root, 'rows.zip'))).toEqual([{ name: 'rows.zip', path: join(root, 'blob') }]);
});

test.skipIf(process.getuid?.() === 0)('a file that may not be read is named', async () => {
  await write('data/rows.jsonl');
  await chmod(join(root, 'data/rows.jsonl'), 0);
  expect(refusal(() => listTree('--data data', join(root, 'data')))).toContain('rows.jsonl cannot be read (EACCES)');
});
