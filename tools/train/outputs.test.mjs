import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hasResults, setAside } from './outputs.mjs';

let out;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'lorikeet-outputs-'));
});
afterEach(() => rm(out, { recursive: true, force: true }));

/** Leaves a finished run whose files say `text`, and a file of the user's own. */
async function leaveRun(text) {
  for (const folder of ['adapter', 'check']) await mkdir(join(out, folder), { recursive: true });
  for (const name of ['adapter/adapter_config.json', 'run.json', 'run.safetensors', 'metrics.csv', 'check/case.json']) {
    await writeFile(join(out, name), text);
  }
  await writeFile(join(out, 'notes.txt'), 'mine');
}

const read = (name) => readFile(join(out, name), 'utf8');

test('an earlier run moves whole to `previous`, and nothing else does', async () => {
  await leaveRun('first');
  await setAside(out);
  expect((await readdir(out)).sort()).toEqual(['notes.txt', 'previous']);
  expect((await readdir(join(out, 'previous'))).sort()).toEqual([
    ...['adapter', 'check', 'metrics.csv', 'run.json', 'run.safetensors'],
  ]);
  await leaveRun('second');
  await setAside(out);
  expect(await read('previous/adapter/adapter_config.json')).toBe('second');
});

test('remains of a run without any result go, and what is in `previous` stays', async () => {
  await mkdir(join(out, 'previous'));
  await writeFile(join(out, 'previous/run.json'), 'first');
  await writeFile(join(out, 'run.json'), 'failed at its start');
  expect(hasResults(out)).toBe(false);
  await setAside(out);
  expect(await readdir(out)).toEqual(['previous']);
  expect(await read('previous/run.json')).toBe('first');
});

test('a move that a crash cut off is finished by the next one', async () => {
  await leaveRun('first');
  await mkdir(join(out, 'previous.part'));
  await rm(join(out, 'adapter'), { recursive: true });
  await rm(join(out, 'run.safetensors'));
  await writeFile(join(out, 'previous.part/run.safetensors'), 'first');
  await setAside(out);
  expect((await readdir(out)).sort()).toEqual(['notes.txt', 'previous']);
  expect(await read('previous/run.safetensors')).toBe('first');
  expect(await read('previous/metrics.csv')).toBe('first');
});

test('a folder without a run stays as it is', async () => {
  await writeFile(join(out, 'notes.txt'), 'mine');
  await setAside(out);
  expect(await readdir(out)).toEqual(['notes.txt']);
});
