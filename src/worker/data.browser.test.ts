// The data worker as the page uses it: a real module worker, a real IndexedDB, the real demo.

import { encode } from 'fast-png';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { IMAGE_LOADINGS } from '../base/imageLoading';
import { decodeImage } from '../image/decode';
import type { RgbImage } from '../image/rgbImage';
import { viewCase } from '../image/viewCases';
import type { DataMessage, DataRequest, InputFile, ModelSource } from '../protocol/messages';
import { deleteDataset, listDatasets, loadDataset, loadImage, loadThumbnail } from '../storage/datasets';
import { presets } from '../recipe/presets';
import { openDatabase, request } from '../storage/database';

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

function brightness({ data }: RgbImage): number[] {
  return Array.from(
    { length: data.length / 3 },
    (_, i) => (data[3 * i]! + 2 * data[3 * i + 1]! + data[3 * i + 2]!) / 4,
  );
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
  const thumbnail = await loadThumbnail(rows[0]!.image, 'library');
  const bitmap = await createImageBitmap(new Blob([thumbnail as BlobPart], { type: 'image/jpeg' }));
  expect(Math.max(bitmap.width, bitmap.height)).toBe(112);
});

/** Tokens that a limit of 4 x 28 x 28 pixels takes from a picture, by transformers' smart_resize. */
const FEWER: Record<string, number> = { '112x112': 12, '112x84': 10, '84x112': 10 };

test('an import notes the size of every picture, and a recount with a recipe’s limit changes the counts alone', async () => {
  const { info } = imported((await bundled()).ending);
  const before = await loadDataset(info.id);
  const hashes = [...new Set(before.rows.map(({ image }) => image))].sort();
  expect([...before.sizes.keys()].sort()).toEqual(hashes);
  for (const { width, height } of before.sizes.values()) expect(FEWER).toHaveProperty(`${width}x${height}`);
  const limited = { ...recipe, max_pixels: 28 * 28 * 4 };
  const { ending, steps } = await ask((id) => {
    return { type: 'recount', id, datasetId: info.id, recipe: limited, model: MODEL };
  });
  expect(steps).toEqual(['tokens']);
  const { info: after } = imported(ending);
  expect(after).toEqual({ ...info, promptTokens: after.promptTokens });
  const stored = await loadDataset(info.id);
  expect(stored.sizes).toEqual(before.sizes);
  const wanted = before.rows.map((one) => {
    const { width, height } = before.sizes.get(one.image)!;
    return { ...one, promptTokens: one.promptTokens! - FEWER[`${width}x${height}`]! };
  });
  expect(stored.rows).toEqual(wanted);
  expect(after.promptTokens!.max).toBe(Math.max(...wanted.map(({ promptTokens }) => promptTokens)));
});

test('the demo imported twice is one dataset', async () => {
  const first = imported((await bundled()).ending).info.id;
  expect(imported((await bundled()).ending).info.id).toBe(first);
  expect(await listDatasets()).toHaveLength(1);
});

test('turned and transparent pictures are counted, and have a thumbnail of what each loading makes of them', async () => {
  const names = ['jpeg_exif_6', 'png_exif_3', 'rgba', 'rgba_opaque', 'png_plain'];
  const files = names.map((name) => file(`${name}.png`, viewCase(name).file));
  const rows = names.map((name) => row(`${name}.png`, 'What is it?'));
  const { info } = imported(await dropped([file('train.jsonl', rows.join('\n')), ...files]));
  expect(info).toMatchObject({ problems: [], turnedImages: 2, transparentImages: 1 });
  const stored = await loadDataset(info.id);
  for (const { image, imageName } of stored.rows) {
    for (const loading of IMAGE_LOADINGS) {
      const want = viewCase(imageName.replace('.png', ''))[loading];
      const thumbnail = (await loadThumbnail(image, loading)) as Uint8Array<ArrayBuffer>;
      const shown = await decodeImage(thumbnail);
      expect([imageName, shown.width, shown.height]).toEqual([imageName, want.width, want.height]);
      // Of noise a JPEG keeps the brightness roughly; of other pixels it is off by about 50.
      const [got, wanted] = [brightness(shown), brightness(want)];
      const off = got.reduce((sum, value, i) => sum + Math.abs(value - wanted[i]!), 0) / got.length;
      expect(off, `${imageName}, ${loading}`).toBeLessThan(15);
    }
  }
});

test('a large picture gets a thumbnail of 160 pixels', async () => {
  const files = [file('a.png', png(9, 400, 200)), file('train.jsonl', row('a.png', 'What is it?'))];
  const { info } = imported(await dropped(files));
  const { rows } = await loadDataset(info.id);
  const thumbnail = await loadThumbnail(rows[0]!.image, 'library');
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

test('model files as blobs are counted with; without a model, or with missing or broken ones, there are no counts', async () => {
  const files = [file('train.jsonl', row('a.png', 'What shape is it?')), file('a.png', png(1))];
  const names = ['tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json', 'chat_template.json'];
  const blobs: Record<string, Blob> = {};
  for (const name of names) blobs[name] = await (await fetch(`${DEMO}model/${name}`)).blob();
  const whole = imported(await dropped(files, { model: { kind: 'files', name: 'm', files: blobs } })).info;
  expect(whole.promptTokens).toEqual(imported(await dropped(files)).info.promptTokens);
  const { 'tokenizer.json': tokenizer, ...rest } = blobs;
  const missing = imported(await dropped(files, { model: { kind: 'files', name: 'm', files: rest } })).info;
  expect([missing.promptTokens, missing.targetTokens]).toEqual([null, null]);
  expect(missing.problems.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^tokens are not counted: The model's folder has no tokenizer\.json; it has /),
  );
  const none = imported(await dropped(files, { model: null })).info;
  expect(none.promptTokens).toBeNull();
  expect(none.problems.map(({ code }) => code)).toEqual(['split.noValidation']);
  const cut = { ...rest, 'tokenizer.json': tokenizer!.slice(0, 100) };
  const broken = imported(await dropped(files, { model: { kind: 'files', name: 'm', files: cut } })).info;
  expect(broken.promptTokens).toBeNull();
  // Of one code, whatever is wrong, so that the next count takes it away.
  const said = expect.stringMatching(/^tokens are not counted: .*tokenizer\.json/) as string;
  expect(broken.problems).toContainEqual(expect.objectContaining({ code: 'data.notCounted', message: said }));
  const elsewhere: ModelSource = { kind: 'bundled', url: new URL('/nowhere/', location.href).href };
  expect(imported(await dropped(files, { model: elsewhere })).info.promptTokens).toBeNull();
});

/** Hashes of all stored pictures, and ids of all datasets. */
async function storedKeys(): Promise<IDBValidKey[]> {
  const database = openDatabase('lorikeet-datasets', ['images', 'thumbnails', 'bodies', 'infos'], 2);
  const lists = ['images', 'thumbnails', 'bodies', 'infos'].map((name) =>
    database.store(name)('readonly', (store) => request(store.getAllKeys())),
  );
  return (await Promise.all(lists)).flat();
}

/** Files of `count` rows, each with a picture of its own. */
function manyRows(count: number): InputFile[] {
  const names = Array.from({ length: count }, (_, i) => `${i}.png`);
  const pictures = names.map((name, i) => file(name, png(i % 256, 40 + Math.floor(i / 256), 40)));
  return [file('train.jsonl', names.map((name) => row(name, `${name}?`)).join('\n')), ...pictures];
}

/** Asks to cancel an import at the first report of a step, or at its answer; resolves with what came last. */
function cancelAt(when: string, files: InputFile[]): Promise<DataMessage['type']> {
  const id = ++count;
  return new Promise((resolve, reject) => {
    let cancelled = false;
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data }: MessageEvent<DataMessage>) => {
      if (data.id !== id) return;
      if (cancelled && data.type !== 'progress' && data.type !== 'imported') return resolve(data.type);
      if (cancelled || (data.type === 'progress' ? data.step : data.type) !== when) return;
      cancelled = true;
      worker.postMessage({ type: 'cancel', id });
    };
    worker.postMessage({
      type: 'import',
      id,
      files,
      name: 'mine',
      validationRatio: 0.5,
      seed: 1,
      recipe,
      model: MODEL,
    });
  });
}

for (const when of ['read', 'images', 'tokens', 'save', 'imported']) {
  test(`an import that is cancelled at "${when}" stores nothing, and the next one works`, async () => {
    expect(await cancelAt(when, manyRows(60))).toBe('cancelled');
    expect(await storedKeys()).toEqual([]);
    imported(await dropped([file('train.jsonl', row('a.png', 'What?')), file('a.png', png(1))]));
  });
}

test('a cancelled import takes nothing from a dataset that was stored before with the same data', async () => {
  const files = manyRows(5);
  const { info } = imported(await dropped(files));
  expect(await cancelAt('tokens', files)).toBe('cancelled');
  expect((await listDatasets()).map(({ id }) => id)).toEqual([info.id]);
  const { rows } = await loadDataset(info.id);
  for (const { image } of rows) await loadImage(image);
});

test('two imports run one after the other, and one that waits can be cancelled', async () => {
  const ids = [++count, ++count, ++count];
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<DataMessage>) => {
      seen.push(`${data.id} ${data.type}`);
      if (data.id === ids[2] && data.type !== 'progress') resolve();
    };
    const settings = { name: 'mine', validationRatio: 0.5, seed: 1, recipe, model: MODEL };
    for (const id of ids)
      worker.postMessage({ type: 'import', id, files: manyRows(id === ids[0] ? 30 : 4), ...settings });
    worker.postMessage({ type: 'cancel', id: ids[1] });
  });
  const order = seen.map((entry) => entry.split(' ')[0]);
  expect(order).toEqual([...order].sort((a, b) => Number(a) - Number(b)));
  expect(seen.filter((entry) => !entry.endsWith('progress'))).toEqual([
    `${ids[0]} imported`,
    `${ids[1]} cancelled`,
    `${ids[2]} imported`,
  ]);
});

test('what a killed import had written is gone after the next start', async () => {
  const killed = new Worker(new URL('./data.worker.ts', import.meta.url), { type: 'module' });
  const id = ++count;
  const request = { type: 'import', id, files: manyRows(60), name: 'mine', validationRatio: 0.5, seed: 1, recipe };
  await new Promise<void>((resolve) => {
    killed.onmessage = ({ data }: MessageEvent<DataMessage>) => {
      if (data.type === 'progress' && data.step === 'save') resolve();
    };
    killed.postMessage({ ...request, model: MODEL });
  });
  killed.terminate();
  const started = new Worker(new URL('./data.worker.ts', import.meta.url), { type: 'module' });
  await new Promise<void>((resolve) => {
    started.onmessage = () => resolve();
    started.postMessage({
      type: 'import',
      id: ++count,
      files: [],
      name: 'none',
      validationRatio: 0,
      seed: 1,
      recipe,
      model: MODEL,
    });
  });
  started.terminate();
  const sets = await listDatasets();
  const named = await Promise.all(sets.map((set) => loadDataset(set.id)));
  const keys = (await storedKeys()).filter((key) => !sets.some((set) => set.id === key));
  expect(new Set(keys)).toEqual(new Set(named.flatMap(({ rows }) => rows.map(({ image }) => image))));
});

test('an import without files fails by name', async () => {
  expect(await dropped([], { name: 'empty' })).toMatchObject({
    type: 'failed',
    error: { code: 'import.noFiles', message: 'no files in empty' },
  });
});

test('every step of an import reports its count up to its end', async () => {
  const id = ++count;
  const reports: Record<string, [done: number, total: number][]> = {};
  await new Promise<void>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<DataMessage>) => {
      if (data.type !== 'progress') return resolve();
      (reports[data.step] ??= []).push([data.done, data.total]);
    };
    const settings = { name: 'mine', validationRatio: 0.5, seed: 1, recipe, model: MODEL };
    worker.postMessage({ type: 'import', id, files: manyRows(40), ...settings });
  });
  const ends = Object.entries(reports).map(([step, list]) => [step, ...(list.at(-1) ?? [])]);
  expect(ends).toEqual([
    ['read', 1, 1],
    ['images', 40, 40],
    ['tokens', 40, 40],
    ['save', 40, 40],
  ]);
});

test('a run is packed into a file off the page, and one that is not stored is refused by name', async () => {
  const id = ++count;
  const message = await new Promise<DataMessage>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<DataMessage>) => resolve(data);
    worker.postMessage({ type: 'exportRun', id, runId: 'none' });
  });
  expect(message).toMatchObject({ type: 'runFileFailed', id, error: { code: 'storage.missing' } });
});

test('a demo folder that is not there fails by name', async () => {
  const url = new URL('/nowhere/', location.href).href;
  const { ending } = await ask((id) => ({ type: 'importBundled', id, url, recipe, model: MODEL }));
  expect(ending.type === 'failed' && ending.error.code).toMatch(/^bundled\./);
});
