// The demo's own pictures and tokenizer; the rows lie in a real IndexedDB.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetInfo, DatasetRow } from '../base/dataset';
import { IMAGE_LOADINGS, type ImageLoading } from '../base/imageLoading';
import { imageToPatches } from '../image/patches';
import { withPixelLimits } from '../image/pixelLimits';
import { preResize } from '../image/preResize';
import { viewCase } from '../image/viewCases';
import { parseModelConfig } from '../model/config';
import { header, pngFile } from '../image/testPng';
import { deleteDataset, loadDataset, saveDataset } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import { presets } from '../recipe/presets';
import { pictureSizes } from './pictureSizes';
import { encodeRows } from './rows';
import { patchesOf } from './storedImage';
import { encodeContext, loadTextModel, readJson, type TextModel } from './textModel';

const DEMO = new URL('/demo/', location.href).href;
const MODEL = { kind: 'bundled' as const, url: `${DEMO}model/` };
const IMAGE = 'train_000.png';
/** 1 x 190: the pre-resize would make it 2 x 512, which is too thin. */
const THIN = 'thin.png';
const THIN_BYTES = pngFile(header({ width: 1, height: 190, depth: 8, colourType: 2 }));
const INFO: DatasetInfo = {
  id: 'rows-test',
  name: 'rows',
  createdAt: 0,
  trainRows: 4,
  valRows: 3,
  images: 1,
  bytes: 0,
  promptTokens: null,
  targetTokens: null,
  problems: [],
};

function row(line: number, split: DatasetRow['split'], question = 'What shape is red?'): DatasetRow {
  return { image: IMAGE, imageName: IMAGE, question, thought: 'A star.', answer: `${line}`, split, file: 'a', line };
}

/** Split as the order in the file says; the second training row is too long. */
const ROWS = [
  row(1, 'train'),
  row(2, 'train', 'What shape is red? '.repeat(60)),
  row(3, 'val'),
  row(4, 'train'),
  row(5, 'val'),
  row(6, 'train'),
  row(7, 'val'),
];

let text: TextModel;
let context: ReturnType<typeof encodeContext>;

beforeAll(async () => {
  const bytes = new Uint8Array(await (await fetch(`${DEMO}data/images/${IMAGE}`)).arrayBuffer());
  const images = new Map([
    [IMAGE, bytes],
    [THIN, THIN_BYTES],
  ]);
  await saveDataset(INFO, [...ROWS, { ...row(8, 'train'), image: THIN }], images);
  text = await loadTextModel(MODEL);
  context = encodeContext(text, parseModelConfig(await readJson(MODEL, 'config.json')));
});
afterAll(() => deleteDataset(INFO.id));

/** What encoding knows of the pictures of rows, read from the stored files. */
async function facts(rows: DatasetRow[]) {
  return { sizes: await pictureSizes({ info: INFO, rows, sizes: new Map() }), processor: text.processor };
}

/** Answers of the rows that each part of a run gets, under changed settings of the demo's recipe. */
async function encoded(change: (recipe: Recipe) => void, given = ROWS) {
  const recipe = structuredClone(presets.demo);
  change(recipe);
  const rows = await encodeRows(given, recipe, context, await facts(given), () => {});
  const sft = rows.sft.map(({ ids }) => text.tokenizer.decode(ids, { skipSpecialTokens: true }));
  return {
    sft: sft.map((said) => /<answer>(\d+)</.exec(said)?.[1]),
    grpo: rows.grpo.map(({ answer }) => answer),
    validation: rows.validation.map(({ answer }) => answer),
    leftOut: rows.leftOut,
    nearest: rows.nearest,
  };
}

/** The grids and patches that the parts of a run see of a picture. */
async function seen(image: string, image_loading: ImageLoading, grpo_pre_resize = false) {
  const recipe = { ...presets.demo, image_loading, grpo_pre_resize };
  const two = [row(1, 'train'), row(2, 'val')].map((one) => ({ ...one, image }));
  const rows = await encodeRows(two, recipe, context, await facts(two), () => {});
  const refs = [rows.sft[0]!, rows.grpo[0]!.prompt, rows.validation[0]!.prompt].map(({ images }) => images[0]!);
  return Promise.all(refs.map(async (ref) => ({ ref, ...(await patchesOf(ref, text.processor)) })));
}

test('every part of a run sees a turned or transparent picture as the recipe loads it, and knows its grid before', async () => {
  const names = ['png_exif_6', 'jpeg_exif_8', 'rgba_exif_6', 'palette_alphas'];
  const files = new Map(names.map((name) => [name, viewCase(name).file]));
  await saveDataset(
    { ...INFO, id: 'rows-views' },
    names.map((image) => ({ ...row(1, 'train'), image })),
    files,
  );
  for (const name of names) {
    for (const loading of IMAGE_LOADINGS) {
      const parts = await seen(name, loading);
      const want = imageToPatches(viewCase(name)[loading], text.processor);
      for (const { ref, patches, grid } of parts) {
        expect([name, loading, ref.grid, grid]).toEqual([name, loading, want.grid, want.grid]);
        const off = patches.reduce((most, value, i) => Math.max(most, Math.abs(value - want.patches[i]!)), 0);
        // JPEG decoders may differ by 2 levels.
        expect([name, off <= (name.startsWith('jpeg') ? 2 / 255 / 0.26 : 0)]).toEqual([name, true]);
      }
    }
  }
  const [sft, grpo, validation] = await seen('rgba_exif_6', 'library', true);
  const upright = viewCase('rgba_exif_6').library;
  expect(sft!.patches).toEqual(imageToPatches(upright, text.processor).patches);
  expect(validation!.patches).toEqual(sft!.patches);
  expect(grpo!.patches).toEqual(imageToPatches(preResize(upright), text.processor).patches);
  expect(grpo!.ref.grid).toEqual(grpo!.grid);
  await deleteDataset('rows-views');
});

test('every row that fits goes to its part, in the order of the file; one that does not is named', async () => {
  const rows = await encoded(() => {});
  expect(rows).toMatchObject({ sft: ['1', '4', '6'], grpo: ['1', '4', '6'], validation: ['3', '5', '7'] });
  expect(rows.leftOut).toEqual([expect.stringMatching(/^a:2: .*max_prompt_length/)]);
});

test('sft.rows takes the first rows that fit for SFT alone, eval.rows the first for evaluations', async () => {
  const rows = await encoded((recipe) => {
    recipe.sft.rows = 2;
    recipe.eval.rows = 1;
  });
  expect(rows).toMatchObject({ sft: ['1', '4'], grpo: ['1', '4', '6'], validation: ['3'] });
});

test('a picture that the pre-resize makes too thin costs its row in GRPO alone, by file and line', async () => {
  const thin = [row(1, 'train'), { ...row(8, 'train'), image: THIN }, { ...row(9, 'val'), image: THIN }];
  const rows = await encoded((recipe) => (recipe.grpo_pre_resize = true), thin);
  expect(rows).toMatchObject({ sft: ['1', '8'], grpo: ['1'], validation: ['9'] });
  expect(rows.leftOut).toEqual([
    expect.stringMatching(/^a:8: picture of 2 x 512: .* 200 times the other.*left out of GRPO, where grpo_pre_resize/),
  ]);
});

test('a validation row whose completion would pass the model’s context is named like a training row', async () => {
  const given = [row(1, 'train'), row(3, 'val')];
  const { maxPositions } = context.model;
  const rows = await encoded((recipe) => (recipe.grpo.max_completion_length = maxPositions), given);
  expect(rows).toMatchObject({ sft: ['1'], grpo: [], validation: [] });
  const reason = `the limit is ${maxPositions}`;
  expect(rows.leftOut).toEqual(given.map(({ line }) => expect.stringMatching(`^a:${line}: .*${reason}`) as string));
});

test('the row that comes nearest to the limits is one of training', async () => {
  const long = (line: number, split: DatasetRow['split'], times: number) =>
    row(line, split, 'What shape is red? '.repeat(times));
  const { nearest } = await encoded(() => {}, [long(1, 'val', 60), long(2, 'train', 90), long(3, 'train', 70)]);
  const { nearest: own } = await encoded(() => {}, [long(3, 'train', 70)]);
  expect(nearest).not.toBe(null);
  expect(nearest).toEqual(own);
  expect(await encoded(() => {}, [long(1, 'val', 60)])).toMatchObject({ nearest: null });
});

test('a token beyond the embedding ends the encoding with file and line', async () => {
  const small = { ...context, model: { ...context.model, vocabSize: 513 } };
  const encoding = encodeRows(ROWS, presets.demo, small, await facts(ROWS), () => {});
  await expect(encoding).rejects.toMatchObject({
    code: 'tokenizer.embedding',
    message: expect.stringMatching(/^a:1: token id 51\d /) as string,
  });
});

test('picture sizes that no import has noted are read once and kept, and a picture that is gone is named', async () => {
  const size = { width: 112, height: 112, orientation: 1 };
  const { sizes } = await loadDataset(INFO.id);
  // Tests before this one have read them.
  expect(sizes.get(IMAGE)).toEqual(size);
  const own = { ...INFO, id: 'rows-sizes' };
  await saveDataset(own, [row(1, 'train')], new Map([[IMAGE, new Uint8Array(1)]]));
  const before = await loadDataset(own.id);
  expect(before.sizes.size).toBe(0);
  expect(await pictureSizes(before)).toEqual(new Map([[IMAGE, size]]));
  const after = await loadDataset(own.id);
  expect(after).toEqual({ ...before, sizes: new Map([[IMAGE, size]]) });
  const gone = { ...after, rows: [...after.rows, { ...row(2, 'train'), image: 'gone' }] };
  await expect(pictureSizes(gone)).rejects.toMatchObject({ code: 'storage.missing' });
  await deleteDataset(own.id);
});

test('a start whose sizes are known reads no picture', async () => {
  const sizes = new Map([[IMAGE, { width: 224, height: 112, orientation: 6 }]]);
  const found = await pictureSizes({ info: INFO, rows: ROWS, sizes });
  // What the file says is another size: only the noted one counts.
  expect(found).toEqual(sizes);
  const { sft } = await encodeRows(ROWS, presets.demo, context, { sizes: found, processor: text.processor }, () => {});
  expect(sft[0]!.images[0]!.grid).toEqual([1, 16, 8]);
});

test('a recipe’s limits are the sizes that every part sees', async () => {
  const processor = withPixelLimits(text.processor, { min_pixels: null, max_pixels: 28 * 28 * 4 });
  const given = [row(1, 'train'), row(3, 'val')];
  const { sizes } = await facts(given);
  const rows = await encodeRows(given, presets.demo, context, { sizes, processor }, () => {});
  const refs = [rows.sft[0]!, rows.grpo[0]!.prompt, rows.validation[0]!.prompt].map(({ images }) => images[0]!);
  for (const ref of refs) {
    expect(ref.grid).toEqual([1, 4, 4]);
    expect((await patchesOf(ref, processor)).grid).toEqual([1, 4, 4]);
  }
});
