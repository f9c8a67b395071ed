// The data worker as the page uses it: a real module worker, a real IndexedDB, the real demo.

import { encode } from 'fast-png';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { DataMessage, DataRequest, InputFile, ModelSource } from '../protocol/messages';
import { deleteDataset, listDatasets, loadDataset, loadImage, loadThumbnail } from '../storage/datasets';
import { presets } from '../train/presets';

type Ending = Exclude<DataMessage, { type: 'progress' }>;

const DEMO = new URL('/demo/', location.href).href;
const MODEL: ModelSource = { kind: 'bundled', url: `${DEMO}model/` };
const recipe = presets.demo;

let worker: Worker;
let count = 0;

beforeAll(() => {
  worker = new Worker(new URL('./data.worker.ts', import.meta.url), { type: 'module' });
});

afterAll(() => {
  worker.terminate();
});

beforeEach(async () => {
  for (const { id } of await listDatasets()) await deleteDataset(id);
});

async function ask(make: (id: number) => DataRequest): Promise<{ ending: Ending; steps: string[] }> {
  const id = ++count;
  const steps: string[] = [];
  const ending = await new Promise<Ending>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data }: MessageEvent<DataMessage>) => {
      if (data.id !== id) return;
      if (data.type !== 'progress') resolve(data);
      else if (!steps.includes(data.step)) steps.push(data.step);
    };
    worker.postMessage(make(id));
  });
  return { ending, steps };
}

function bundled(): Promise<{ ending: Ending; steps: string[] }> {
  return ask((id) => ({ type: 'importBundled', id, url: DEMO, recipe, model: MODEL }));
}

async function dropped(files: InputFile[], more: Partial<DataRequest> = {}): Promise<Ending> {
  const settings = { name: 'mine', validationRatio: 0.5, seed: 1, recipe, model: MODEL };
  const request = { type: 'import' as const, files, ...settings, ...more };
  return (await ask((id) => ({ ...request, id }) as DataRequest)).ending;
}

function row(image: string, question: string): string {
  return JSON.stringify({ image, question, thought: 'I see a star.', answer: 'star' });
}

function file(path: string, content: string | Uint8Array): InputFile {
  return { path, file: new Blob([content as BlobPart]) };
}

function png(shade: number, width = 112, height = 112): Uint8Array {
  return encode({ width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(shade) });
}

function imported(ending: Ending): Ending & { type: 'imported' } {
  if (ending.type !== 'imported') throw new Error(JSON.stringify(ending));
  return ending;
}

test('the bundled demo is imported with its splits, token counts, images and thumbnails', async () => {
  const { ending, steps } = await bundled();
  const { info } = imported(ending);
  expect(steps).toEqual(['read', 'images', 'tokens', 'save']);
  expect(info).toMatchObject({ trainRows: 400, valRows: 100, problems: [] });
  // The demo's README: prompts have 47 to 56 tokens, targets 15 to 20 without the line end that closes them.
  expect([info.promptTokens?.min, info.promptTokens?.max]).toEqual([47, 56]);
  expect([info.targetTokens?.min, info.targetTokens?.max]).toEqual([16, 21]);
  expect(await listDatasets()).toEqual([info]);
  const { rows } = await loadDataset(info.id);
  expect(rows[0]).toMatchObject({ imageName: 'train_000.png', answer: 'heart', split: 'train', line: 1 });
  expect(Math.max(...rows.map((one) => one.promptTokens ?? 0))).toBe(56);
  expect(Math.min(...rows.map((one) => one.targetTokens ?? 0))).toBe(16);
  const original = new Uint8Array(await (await fetch(`${DEMO}data/images/train_000.png`)).arrayBuffer());
  expect(await loadImage(rows[0]!.image)).toEqual(original);
  const thumbnail = await loadThumbnail(rows[0]!.image);
  const bitmap = await createImageBitmap(new Blob([thumbnail as BlobPart], { type: 'image/jpeg' }));
  expect(Math.max(bitmap.width, bitmap.height)).toBe(112);
});

test('the demo imported twice is one dataset', async () => {
  const first = imported((await bundled()).ending).info.id;
  expect(imported((await bundled()).ending).info.id).toBe(first);
  expect(await listDatasets()).toHaveLength(1);
});

test('a large picture gets a thumbnail of 160 pixels', async () => {
  const files = [file('a.png', png(9, 400, 200)), file('train.jsonl', row('a.png', 'What is it?'))];
  const { info } = imported(await dropped(files));
  const { rows } = await loadDataset(info.id);
  const thumbnail = await loadThumbnail(rows[0]!.image);
  const bitmap = await createImageBitmap(new Blob([thumbnail as BlobPart]));
  expect([bitmap.width, bitmap.height]).toEqual([160, 80]);
});

test('bad rows and pictures are named and the rest is stored', async () => {
  const lines = [row('a.png', 'One?'), '{oops', row('b.png', 'Two?'), row('cut.png', 'Three?'), row('no.png', 'Four?')];
  const pictures = [file('a.png', png(1)), file('b.png', png(2)), file('cut.png', png(3).subarray(0, 100))];
  const { info } = imported(await dropped([file('rows.jsonl', lines.join('\n')), ...pictures]));
  expect(info.problems.map(({ code, file: path, line }) => [code, path, line])).toEqual([
    ['jsonl.syntax', 'rows.jsonl', 2],
    ['image.missing', 'rows.jsonl', 5],
    ['image.truncated', 'cut.png', undefined],
  ]);
  expect([info.trainRows, info.valRows, info.images]).toEqual([1, 1, 2]);
});

test('an import without a usable row fails by name, tells the first problem and stores nothing', async () => {
  const ending = await dropped([file('train.jsonl', '{"image": "a.png"}'), file('a.png', png(1))]);
  expect(ending).toMatchObject({ type: 'failed', error: { code: 'import.noRows' } });
  expect(ending.type === 'failed' && ending.error.hint).toContain('train.jsonl, line 1');
  expect(ending.type === 'failed' && ending.problems.map(({ code }) => code)).toContain('row.missing');
  expect(await listDatasets()).toEqual([]);
  await expect(bundled()).resolves.toMatchObject({ ending: { type: 'imported' } });
});

test('rows that do not fit the prompt length are warned of with file and line', async () => {
  const long = 'What is left of the square? '.repeat(30);
  const files = [file('train.jsonl', `${row('a.png', 'What?')}\n${row('a.png', long)}`), file('a.png', png(1))];
  const { info } = imported(await dropped(files, { validationRatio: 0 }));
  const warning = info.problems.find(({ code }) => code === 'row.promptTooLong');
  expect(warning).toMatchObject({ level: 'warning', file: 'train.jsonl', line: 2 });
  expect(info.trainRows).toBe(2);
});

test('model files as blobs are counted with, missing ones leave the counts out, broken ones are a warning', async () => {
  const files = [file('train.jsonl', row('a.png', 'What shape is it?')), file('a.png', png(1))];
  const names = ['tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json', 'chat_template.json'];
  const blobs: Record<string, Blob> = {};
  for (const name of names) blobs[name] = await (await fetch(`${DEMO}model/${name}`)).blob();
  const whole = imported(await dropped(files, { model: { kind: 'files', files: blobs } })).info;
  expect(whole.promptTokens).toEqual(imported(await dropped(files)).info.promptTokens);
  const { 'tokenizer.json': tokenizer, ...rest } = blobs;
  const missing = imported(await dropped(files, { model: { kind: 'files', files: rest } })).info;
  expect([missing.promptTokens, missing.targetTokens]).toEqual([null, null]);
  const cut = { ...rest, 'tokenizer.json': tokenizer!.slice(0, 100) };
  const broken = imported(await dropped(files, { model: { kind: 'files', files: cut } })).info;
  expect(broken.promptTokens).toBeNull();
  expect(broken.problems.map(({ code }) => code)).toContain('model.json');
  const elsewhere: ModelSource = { kind: 'bundled', url: new URL('/nowhere/', location.href).href };
  expect(imported(await dropped(files, { model: elsewhere })).info.promptTokens).toBeNull();
});

test('a demo folder that is not there fails by name', async () => {
  const url = new URL('/nowhere/', location.href).href;
  const { ending } = await ask((id) => ({ type: 'importBundled', id, url, recipe, model: MODEL }));
  expect(ending.type === 'failed' && ending.error.code).toMatch(/^bundled\./);
});
