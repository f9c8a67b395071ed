// preprocessor_config.json -> the numbers that preprocessing needs. Must not touch pixels.

import { check } from '../base/errors';
import { isJsonObject } from '../base/json';

/** Named as in preprocessor_config.json. */
export interface ImageProcessor {
  /** Limits of the resized picture, in pixels. */
  min_pixels: number;
  max_pixels: number;
  /** Side of a patch in pixels. */
  patch_size: number;
  /** Frames per patch; a still picture is repeated. */
  temporal_patch_size: number;
  /** Side, in patches, of the block that becomes one token. */
  merge_size: number;
  /** Per channel, of values scaled by rescale_factor. */
  image_mean: [number, number, number];
  image_std: [number, number, number];
  rescale_factor: number;
}

/** Defaults of transformers 5.23 (transformers/models/qwen2_vl/image_processing_qwen2_vl.py), for keys that the file lacks. */
const DEFAULTS: ImageProcessor = {
  min_pixels: 56 * 56,
  max_pixels: 28 * 28 * 1280,
  patch_size: 14,
  temporal_patch_size: 2,
  merge_size: 2,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  rescale_factor: 1 / 255,
};

/** Steps that are always done here; a file that switches one off asks for another processor. */
const ALWAYS_ON = ['do_convert_rgb', 'do_resize', 'do_rescale', 'do_normalize'];
/** Pillow's number for bicubic. */
const BICUBIC = 3;
const FILE = 'preprocessor_config.json';

type Fields = Record<string, unknown>;

/** Value of the first of `keys` that is there and not null. */
function first(sources: (readonly [Fields, string])[]): [string, unknown] | undefined {
  for (const [fields, key] of sources) {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (value !== undefined && value !== null) return [key, value];
  }
  return undefined;
}

function positive(sources: (readonly [Fields, string])[], fallback: number, whole: boolean): number {
  const [key, value] = first(sources) ?? ['', fallback];
  const valid = typeof value === 'number' && value > 0 && Number.isFinite(value) && (!whole || Number.isInteger(value));
  const kind = whole ? 'whole number' : 'number';
  check(valid, 'image.processorConfig', `${FILE}: ${key} is ${JSON.stringify(value)}, expected a ${kind} above 0`);
  return value;
}

function triple(fields: Fields, key: string, fallback: [number, number, number]): [number, number, number] {
  const value = first([[fields, key]])?.[1] ?? fallback;
  const valid = Array.isArray(value) && value.length === 3 && value.every((x) => Number.isFinite(x));
  check(valid, 'image.processorConfig', `${FILE}: ${key} is ${JSON.stringify(value)}, expected three numbers`);
  return value as [number, number, number];
}

function checkSteps(fields: Fields): void {
  for (const key of ALWAYS_ON) {
    check(
      fields[key] !== false,
      'image.processorConfig',
      `${FILE}: ${key} is false, but only the full preprocessing of Qwen2.5-VL is supported`,
      'Use the preprocessor_config.json that was published with the model.',
    );
  }
  const resample = fields.resample ?? BICUBIC;
  check(
    resample === BICUBIC,
    'image.processorConfig',
    `${FILE}: resample is ${JSON.stringify(resample)}, expected ${BICUBIC} (bicubic)`,
  );
}

/**
 * Reads a parsed preprocessor_config.json. `min_pixels` and `max_pixels` win over `size.shortest_edge` and
 * `size.longest_edge`, which mean the same (pixel counts); what the file lacks is transformers' default.
 * @param older takes the place of these defaults
 * @throws image.processorConfig naming the key, for values of the wrong kind and steps not supported
 */
export function parseImageProcessor(json: unknown, older: Partial<ImageProcessor> = {}): ImageProcessor {
  const defaults = { ...DEFAULTS, ...older };
  check(isJsonObject(json), 'image.processorConfig', `${FILE}: expected a JSON object, found ${JSON.stringify(json)}`);
  const fields: Fields = json;
  checkSteps(fields);
  const size = (typeof fields.size === 'object' ? (fields.size ?? {}) : {}) as Fields;
  const whole = (key: keyof ImageProcessor, alias?: string): number =>
    positive([[fields, key], ...(alias ? [[size, alias] as const] : [])], defaults[key] as number, true);
  const processor: ImageProcessor = {
    min_pixels: whole('min_pixels', 'shortest_edge'),
    max_pixels: whole('max_pixels', 'longest_edge'),
    patch_size: whole('patch_size'),
    temporal_patch_size: whole('temporal_patch_size'),
    merge_size: whole('merge_size'),
    image_mean: triple(fields, 'image_mean', defaults.image_mean),
    image_std: triple(fields, 'image_std', defaults.image_std),
    rescale_factor: positive([[fields, 'rescale_factor']], defaults.rescale_factor, false),
  };
  const { min_pixels, max_pixels } = processor;
  const ordered = min_pixels <= max_pixels;
  check(ordered, 'image.processorConfig', `${FILE}: min_pixels ${min_pixels} is above max_pixels ${max_pixels}`);
  const scalable = processor.image_std.every((x) => x > 0);
  check(scalable, 'image.processorConfig', `${FILE}: image_std is ${processor.image_std.join(', ')}, expected above 0`);
  return processor;
}
