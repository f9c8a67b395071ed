import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hasResults, saveOutputs, setAside } from './outputs.mjs';
import { writeRunRecord } from './runRecord.mjs';
import { pageFailure } from './session.mjs';

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

test('an earlier run moves whole to the first free `previous`, and nothing else does', async () => {
  await leaveRun('first');
  expect(await setAside(out)).toBe(join(out, 'previous'));
  expect((await readdir(out)).sort()).toEqual(['notes.txt', 'previous']);
  expect((await readdir(join(out, 'previous'))).sort()).toEqual([
    ...['adapter', 'check', 'metrics.csv', 'run.json', 'run.safetensors'],
  ]);
  await leaveRun('second');
  expect(await setAside(out)).toBe(join(out, 'previous-2'));
  expect(await read('previous/adapter/adapter_config.json')).toBe('first');
  expect(await read('previous-2/adapter/adapter_config.json')).toBe('second');
});

test('files of the user’s own under the names of a run’s files move aside; a folder `previous` of theirs stays', async () => {
  for (const name of ['check', 'previous']) await mkdir(join(out, name));
  for (const name of ['check/mine', 'previous/mine', 'metrics.csv', 'run.json']) await writeFile(join(out, name), name);
  expect(await setAside(out)).toBe(join(out, 'previous-2'));
  expect((await readdir(out)).sort()).toEqual(['previous', 'previous-2']);
  for (const name of ['check/mine', 'metrics.csv', 'run.json']) expect(await read(`previous-2/${name}`)).toBe(name);
  expect(await read('previous/mine')).toBe('previous/mine');
});

test('remains of a run without any result go, and what is in `previous` stays', async () => {
  await mkdir(join(out, 'previous'));
  await writeFile(join(out, 'previous/run.json'), 'first');
  await writeRunRecord(out, { state: 'failed', data: null, model: null, adapter: null, seed: 0, version: '0.0.1' });
  await writeFile(join(out, 'metrics.csv'), '');
  expect(hasResults(out)).toBe(false);
  expect(await setAside(out)).toBe(null);
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
  expect(await setAside(out)).toBe(null);
  expect(await readdir(out)).toEqual(['notes.txt']);
});

/** A page that saves every file but those in `lacking`, of which it says so as the real one does; `notes` by name. */
function pageWithout(lacking, notes = {}) {
  const downloads = new EventEmitter();
  const page = {
    keyboard: { press: async () => {} },
    waitForEvent: (type) => new Promise((resolve) => downloads.once(type, resolve)),
  };
  const call = async (_, name) => {
    if (lacking.includes(name)) {
      throw pageFailure({ code: 'artifact.missing', message: `${name} is not stored`, hint: undefined });
    }
    downloads.emit('download', { saveAs: (path) => writeFile(path, name), delete: async () => {} });
    return { bytes: name.length, note: notes[name] ?? null };
  };
  return { page, call, until: (work) => work };
}

test('a run without validation rows has nothing to check, and nothing of it is missing', async () => {
  const { written, missing } = await saveOutputs(pageWithout(['case.json', 'case.safetensors']), out);
  expect(missing).toEqual([]);
  expect(written).toContain('adapter/adapter_model.safetensors');
  expect(written.filter((place) => place.startsWith('check/'))).toEqual([]);
  await expect(stat(join(out, 'check'))).rejects.toThrow('ENOENT');
});

test('what a saved file lacks is told', async () => {
  const { written, notes } = await saveOutputs(pageWithout([], { 'completions.jsonl': 'lacks 3 steps' }), out);
  expect(written).toContain('completions.jsonl');
  expect(notes).toEqual(['lacks 3 steps']);
});

test('a run without its adapter is not whole', async () => {
  const { missing } = await saveOutputs(pageWithout(['adapter_model.safetensors']), out);
  expect(missing).toEqual([
    { place: 'adapter/adapter_model.safetensors', message: expect.stringContaining('is not stored'), needed: true },
  ]);
});
