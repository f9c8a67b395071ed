// @vitest-environment node
// Whether a stored run may go on with a folder: checkpoints of this version and of older ones, the demo model's files.

import { expect, test } from 'vitest';
import { sourceOf } from '../base/floatSource';
import { newProgress } from './runProgress';
import { presets } from '../recipe/presets';
import { baseFingerprint } from './fingerprint';
import { olderNotes } from './olderNotes';
import { openModel } from './openModel';
import { checkFingerprints, type FoundFiles, type RunCheckpoint } from './runCheckpoint';
import { changedJson, demoFile, demoFolder } from '../base/testing/demoFolder';

const ASIDE = 'consolidated.safetensors';
const OTHERS = { rows: 'the rows', kernels: 'the kernels' };
const CONFIG = JSON.parse(changedJson('config.json', () => {})) as unknown;

function unlimited(): Record<string, string> {
  const text = changedJson<{ max_pixels?: number }>('preprocessor_config.json', (file) => delete file.max_pixels);
  return { 'preprocessor_config.json': text };
}

/** What a session finds in the demo's folder with changed files. */
async function found(changes: Parameters<typeof demoFolder>[0] = {}): Promise<FoundFiles> {
  const source = { kind: 'files' as const, name: 'mine', files: demoFolder(changes) };
  const { configJson, weightFiles, text } = await openModel(source);
  const base = await baseFingerprint(configJson, weightFiles);
  return { fingerprints: { base, ...OTHERS, processor: text.processor }, older: olderNotes(source, configJson) };
}

/** A checkpoint with these notes. */
function noting(fingerprints: RunCheckpoint['fingerprints']): RunCheckpoint {
  const none = sourceOf(new Float32Array());
  return {
    setup: { seed: 0, datasetId: 'data', modelName: 'mine', recipe: presets.demo },
    fingerprints,
    progress: newProgress(0),
    adapter: { weight: none, moment1: none, moment2: none },
  };
}

/** The notes of a version that counted every weight file and did not note the processor. */
async function olderCheckpoint(aside?: Blob): Promise<RunCheckpoint> {
  const files = [{ name: 'model.safetensors', blob: new Blob([demoFile('model.safetensors').slice()]) }];
  if (aside) files.push({ name: ASIDE, blob: aside });
  return noting({ base: await baseFingerprint(CONFIG, files), ...OTHERS });
}

test('a run goes on with its own folder without a remark, one of an older version too', async () => {
  const files = await found();
  expect(await checkFingerprints(noting(files.fingerprints), files)).toBe(null);
  expect(await checkFingerprints(await olderCheckpoint(), files)).toBe(null);
});

test('an older version’s run finds its folder again where weights are left aside, and no other folder', async () => {
  const older = await olderCheckpoint(new Blob(['as it was']));
  expect(await checkFingerprints(older, await found({ [ASIDE]: 'as it was' }))).toBe(null);
  for (const changes of [{ [ASIDE]: 'another' }, { [ASIDE]: null }]) {
    await expect(checkFingerprints(older, await found(changes))).rejects.toMatchObject({ code: 'checkpoint.base' });
  }
});

test('a run whose model now scales pictures otherwise is refused by the values that differ', async () => {
  const then = noting((await found()).fingerprints);
  await expect(checkFingerprints(then, await found(unlimited()))).rejects.toMatchObject({
    code: 'checkpoint.base',
    message: expect.stringMatching(/by "max_pixels": 50176; .* gives "max_pixels": 1003520\.$/) as string,
  });
});

test('an older run on a folder that names no limit is told which one it used, and goes on once the folder says so', async () => {
  const older = await olderCheckpoint();
  await expect(checkFingerprints(older, await found(unlimited()))).rejects.toMatchObject({
    code: 'checkpoint.base',
    hint: expect.stringContaining('Write "max_pixels": 12845056 into preprocessor_config.json') as string,
  });
  const written = changedJson<{ max_pixels: number }>('preprocessor_config.json', (file) => {
    file.max_pixels = 12845056;
  });
  expect(await checkFingerprints(older, await found({ 'preprocessor_config.json': written }))).toBe(null);
});

/** The same processor in the file that wins over the demo's own, with other limits. */
function winning(max_pixels: number): Record<string, string> {
  const image = JSON.parse(changedJson('preprocessor_config.json', () => {})) as object;
  return { 'processor_config.json': JSON.stringify({ image_processor: { ...image, max_pixels } }) };
}

test('the file that a processor is read from is the one to edit', async () => {
  const { fingerprints } = await found();
  const then = noting(fingerprints);
  await expect(checkFingerprints(then, await found(winning(1003520)))).rejects.toMatchObject({
    code: 'checkpoint.base',
    message: expect.stringContaining('processor_config.json: image_processor gives "max_pixels": 1003520') as string,
    hint: expect.stringMatching(/^Write "max_pixels": 50176 into processor_config\.json: image_processor /) as string,
  });
  expect(await checkFingerprints(then, await found(winning(fingerprints.processor.max_pixels)))).toBe(null);
});

test('an older run used preprocessor_config.json, whatever stands beside it', async () => {
  const older = await olderCheckpoint();
  await expect(checkFingerprints(older, await found(winning(1003520)))).rejects.toMatchObject({
    code: 'checkpoint.base',
    message: expect.stringMatching(/by "max_pixels": 50176; .* gives "max_pixels": 1003520\.$/) as string,
  });
  const gone = { ...winning(50176), 'preprocessor_config.json': null };
  await expect(checkFingerprints(older, await found(gone))).rejects.toMatchObject({
    code: 'checkpoint.base',
    hint: expect.stringContaining('Add the preprocessor_config.json that') as string,
  });
});

test('other rows are refused, and other kernels are a remark', async () => {
  const files = await found();
  const noted = files.fingerprints;
  await expect(checkFingerprints(noting({ ...noted, rows: 'others' }), files)).rejects.toMatchObject({
    code: 'checkpoint.dataset',
  });
  expect(await checkFingerprints(noting({ ...noted, kernels: 'others' }), files)).toMatch(/last bits/);
});
