// @vitest-environment node
// The demo model as a picked folder.

import { afterEach, expect, test } from 'vitest';
import { demoFile, demoFolder } from '../../base/testing/demoFolder';
import { modelRead, useModel, watchModel } from './model';
import { factsOfFiles } from './modelFacts';
import { modelSource, pickModelFolder, useSettings } from './settings';
import { startObstacle } from './startObstacle';

/** The element that a folder was picked with; browsers name the folder in each file's path. */
function picker(folder: string, files: Record<string, Blob>): HTMLInputElement {
  const list = Object.entries(files).map(([name, blob]) =>
    Object.assign(new File([blob], name), { webkitRelativePath: `${folder}/${name}` }),
  );
  return { files: list, value: folder } as unknown as HTMLInputElement;
}

let stop = (): void => {};
afterEach(() => stop());

/** Picks a folder as the page does and waits until it has been looked at. */
async function pick(files: Record<string, Blob>): Promise<void> {
  useSettings.setState({ modelKind: 'files', picked: null, pickFault: null });
  stop = watchModel();
  pickModelFolder(picker('mine', files));
  await modelRead();
}

test('the card counts the parameters of the files that are read, and says what lies beside them', async () => {
  const alone = await factsOfFiles(demoFolder());
  const weights = new Blob([demoFile('model.safetensors').slice()]);
  const beside = await factsOfFiles(demoFolder({ 'consolidated.safetensors': weights }));
  expect(alone.notes).toEqual([]);
  expect(beside).toEqual({ ...alone, notes: [expect.stringContaining('Left aside: consolidated.safetensors.')] });
});

test('files that macOS leaves beside others are no part of a model', async () => {
  await pick(demoFolder({ '._model.safetensors': 'left by macOS', '.DS_Store': 'x' }));
  expect(useModel.getState().look).toMatchObject({ kind: 'known', facts: { notes: [] } });
  expect(modelSource(useSettings.getState())).toMatchObject({ kind: 'files', name: 'mine' });
});

test('a folder that brings no files leaves no model, neither the one before nor the bundled one, and says why', async () => {
  await pick(demoFolder());
  pickModelFolder(picker('mine', {}));
  await modelRead();
  expect(modelSource(useSettings.getState())).toBeNull();
  expect(startObstacle()).toMatchObject({
    line: 'The model has a problem.',
    error: { code: 'model.missing', message: expect.stringContaining('The folder brought no files') as string },
  });
  pickModelFolder(picker('models--x/snapshots', demoFolder()));
  expect(useSettings.getState()).toMatchObject({ picked: null, pickFault: { code: 'model.missing' } });
});

test.each([
  [
    'a Git LFS pointer',
    { 'model.safetensors': 'version https://git-lfs.github.com/spec/v1' },
    'safetensors.format',
    /LFS/,
  ],
  ['a missing tokenizer.json', { 'tokenizer.json': null }, 'model.missing', /tokenizer\.json/],
  ['another architecture', { 'config.json': '{"model_type": "llava"}' }, 'model.config', /"llava"/],
  ['missing weights', { 'model.safetensors': null }, 'weights.missing', /model\.safetensors/],
])('what keeps a start back carries the problem itself: %s', async (_, changes, code, message) => {
  await pick(demoFolder(changes));
  expect(startObstacle()?.error).toMatchObject({ code, message: expect.stringMatching(message) as string });
});

test('nothing starts while the model’s files are being read', async () => {
  await pick(demoFolder());
  pickModelFolder(picker('mine', demoFolder({ 'tokenizer.json': null })));
  expect(startObstacle()?.line).toBe('The model’s files are being read.');
  await modelRead();
  expect(startObstacle()?.error.code).toBe('model.missing');
});
