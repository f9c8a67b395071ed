// Checks decoding, sizes, resampling and pixel values against a case of kind `image`. Takes every number from the folder.

import { LorikeetError } from '../../base/errors';
import { imageSize } from '../../image/header';
import { patchRows, resizeForModel } from '../../image/patches';
import { preResize, preResizedSize, preResizeSize } from '../../image/preResize';
import { parseImageProcessor } from '../../image/processorConfig';
import type { ImageProcessor } from '../../image/processorConfig';
import type { RgbImage } from '../../image/rgbImage';
import { smartResize } from '../../image/smartResize';
import { viewRgb, type ImageView } from '../../image/view';
import { compareExact } from '../../reference/compare';
import type { CheckResult, Verifier, VerifyContext } from '../../reference/types';
import type { ImageCase, ImageFile, ImageRun, Limits } from './imageFixture';
import { compareBytes, compareValues, wholeArray } from './storedArray';
import type { Tensors } from './storedArray';

/** What all checks of one folder share. */
interface Scene {
  meta: ImageFile;
  tensors: Tensors;
  context: VerifyContext;
  path: string;
}

/** The folder's `decoded_rgb` and its view `recipe`; its other views are those of the library. */
const RECIPE: ImageView = { loading: 'recipe', preResize: false };
const LIBRARY: ImageView = { loading: 'library', preResize: false };

/** A case's picture in the view RECIPE. `exact` is false when the pixels are not all those of the reference's decoder. */
interface Decoded {
  bytes: Uint8Array;
  image: RgbImage;
  exact: boolean;
}

/** The Qwen2.5-VL processor with the folder's numbers. */
function processorOf(meta: ImageFile, limits: Partial<Limits>): ImageProcessor {
  const numbers = { image_mean: meta.mean, image_std: meta.std, rescale_factor: meta.rescale };
  return parseImageProcessor({ ...numbers, min_pixels: limits.min_pixels, max_pixels: limits.max_pixels });
}

/** Does `action` throw an error with this code? */
function compareRefusal(name: string, code: string, action: () => unknown): CheckResult {
  try {
    const got = action();
    return { name, pass: false, detail: `expected ${code}, got ${JSON.stringify(got)}` };
  } catch (error) {
    const pass = error instanceof LorikeetError && error.code === code;
    return { name, pass, detail: pass ? `refused: ${error.message}` : `expected ${code}, got ${String(error)}` };
  }
}

/** Tables of sizes, each compared as a list of lines so that a difference shows its row. */
function checkTables({ meta, context }: Scene): void {
  const processor = processorOf(meta, {});
  const factor = processor.patch_size * processor.merge_size;
  const smart = meta.smart_resize.map((row) => {
    const got = smartResize(row.height, row.width, factor, row);
    const from = `${row.height} x ${row.width} in ${row.min_pixels} to ${row.max_pixels}`;
    return {
      got: `${from}: ${got.height} x ${got.width}`,
      want: `${from}: ${row.resized_height} x ${row.resized_width}`,
    };
  });
  const pre = meta.pre_resize_sizes.map(({ width, height, once, twice }) => {
    const first = preResizeSize(width, height);
    const second = preResizedSize(width, height);
    const got = [first.width, first.height, second.width, second.height];
    return { got: `${width} x ${height}: ${got.join()}`, want: `${width} x ${height}: ${[...once, ...twice].join()}` };
  });
  for (const [name, rows] of [
    ['smart_resize', smart],
    ['pre_resize_sizes', pre],
  ] as const) {
    const lists = [rows.map((row) => row.got), rows.map((row) => row.want)];
    context.report(compareExact(`${name}, ${rows.length} sizes`, lists[0]!, lists[1]!));
  }
  for (const { width, height } of meta.errors) {
    const refuse = (): unknown => smartResize(height, width, factor, processor);
    context.report(compareRefusal(`refuses ${width} x ${height}`, 'image.aspectRatio', refuse));
  }
}

/**
 * Decodes the file and compares with `decoded_rgb`; a difference counts only where some run of the case must match
 * (Pillow's way with 16-bit gray is on purpose not ours).
 */
async function checkDecoding(scene: Scene, entry: ImageCase): Promise<Decoded> {
  const { context, meta, tensors } = scene;
  const bytes = await context.folder.bytes(`${scene.path}/${entry.file}`);
  const { width, height, format } = imageSize(bytes);
  context.report(compareExact(`${entry.name} size`, [width, height], [entry.width, entry.height]));
  const image = await viewRgb(bytes, RECIPE);
  const want = entry.decoded_rgb;
  if (!want) return { bytes, image, exact: true };
  const name = `${entry.name} decoded`;
  const strict = await compareBytes(name, image.data, want, tensors);
  if (!entry.runs.some((run) => run.required)) return { bytes, image, exact: strict.pass };
  // The folder's figure: JPEG decoders round differently.
  const tolerance = { atol: meta.tolerance.decoded_rgb_jpg, rtol: 0 };
  context.report(
    format === 'jpeg' && !strict.pass ? compareValues(name, image.data, want, tensors, tolerance) : strict,
  );
  return { bytes, image, exact: strict.pass };
}

/** The picture that a view starts from, or undefined when the decoder is not exact and the folder has no pixels. */
async function viewOf(
  { tensors }: Scene,
  entry: ImageCase,
  { bytes, image, exact }: Decoded,
  view: ImageRun['view'],
): Promise<RgbImage | undefined> {
  if (view === 'library') return viewRgb(bytes, LIBRARY);
  if (view === 'exif_applied') return exact ? viewRgb(bytes, LIBRARY) : undefined;
  const stored = entry.decoded_rgb && wholeArray(tensors, entry.decoded_rgb);
  if (stored) return { width: entry.width, height: entry.height, data: stored };
  return exact ? image : undefined;
}

/** All comparisons of one run. */
async function checkRun(scene: Scene, name: string, source: RgbImage, run: ImageRun): Promise<CheckResult[]> {
  const { meta, tensors } = scene;
  const processor = processorOf(meta, run);
  const resized = resizeForModel(source, processor);
  const size = compareExact(`${name} size`, [resized.height, resized.width], [run.resized_height, run.resized_width]);
  const rgb = await compareBytes(`${name} resized_rgb`, resized.data, run.resized_rgb, tensors);
  const { patches, grid } = patchRows(resized, processor);
  const tolerance = meta.tolerance.pixel_values;
  return [
    size,
    rgb,
    compareExact(`${name} grid_thw`, grid, run.grid_thw),
    compareValues(`${name} pixel_values`, patches, run.pixel_values, tensors, tolerance),
  ];
}

/** Runs that must match; of a choice the first that does, else the first tried. */
async function checkRuns(scene: Scene, entry: ImageCase, decoded: Decoded): Promise<void> {
  const { context } = scene;
  const groups = new Map<string, ImageRun[]>();
  for (const run of entry.runs.filter((candidate) => candidate.required)) {
    const key = run.choice ? `one of ${run.choice}, ${run.limits}` : `${run.view}, ${run.limits}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  for (const [key, runs] of groups) {
    const attempts: CheckResult[][] = [];
    for (const run of runs) {
      const source = await viewOf(scene, entry, decoded, run.view);
      if (source) attempts.push(await checkRun(scene, `${entry.name} (${run.view}, ${run.limits})`, source, run));
    }
    const best = attempts.find((results) => results.every((result) => result.pass)) ?? attempts.at(0);
    if (best) best.forEach((result) => context.report(result));
    else context.uncovered(`${entry.name} (${key}): needs a decoder that equals the reference's bit for bit`);
  }
}

/** The recipe's Lanczos step on the recipe's view, and what the processor makes of its result. */
async function checkPreResize(scene: Scene, entry: ImageCase, decoded: Decoded): Promise<void> {
  const { context, meta, tensors } = scene;
  const want = entry.pre_resize;
  const name = `${entry.name} pre_resize`;
  const once = preResizeSize(entry.width, entry.height);
  context.report(compareExact(`${name} size_once`, [once.width, once.height], want.size_once));
  const source = await viewOf(scene, entry, decoded, 'recipe');
  if (!source) return context.uncovered(`${name}: needs a decoder that equals the reference's bit for bit`);
  const twice = preResize(source);
  context.report(compareExact(`${name} size_twice`, [twice.width, twice.height], want.size_twice));
  context.report(await compareBytes(`${name} rgb`, twice.data, want.rgb, tensors));
  const processor = processorOf(meta, {});
  if (want.error) {
    const code = want.error === 'aspect ratio' ? 'image.aspectRatio' : want.error;
    return context.report(compareRefusal(`${name} refused`, code, () => resizeForModel(twice, processor).width));
  }
  const { patches, grid } = patchRows(resizeForModel(twice, processor), processor);
  context.report(compareExact(`${name} grid_thw`, grid, want.grid_thw ?? []));
  if (!want.pixel_values) return;
  const tolerance = meta.tolerance.pixel_values;
  context.report(compareValues(`${name} pixel_values`, patches, want.pixel_values, tensors, tolerance));
}

/** Verifies a case of kind `image`. JPEG cases need a browser. */
export const verifyImage: Verifier = async (context, { path }) => {
  const meta = (await context.folder.json(`${path}/image.json`)) as ImageFile;
  const scene: Scene = { meta, tensors: await context.folder.tensors(`${path}/image.safetensors`), context, path };
  checkTables(scene);
  for (const entry of meta.cases) {
    try {
      const decoded = await checkDecoding(scene, entry);
      await checkRuns(scene, entry, decoded);
      await checkPreResize(scene, entry, decoded);
    } catch (error) {
      context.report({ name: entry.name, pass: false, detail: String(error) });
    }
  }
};
