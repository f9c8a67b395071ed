// preprocessor_config.json or processor_config.json -> the numbers that preprocessing needs. Must not touch pixels.

import { check } from '../base/errors';
import { isJsonObject, type JsonObject } from '../base/json';

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
type Fields = Record<string, unknown>;

/** A parsed file, or a part of one, and its name for messages. */
interface Source {
  file: string;
  json: unknown;
}

interface Checked {
  file: string;
  fields: Fields;
}

/** Value of the first of `sources` that is there and not null. */
function first(sources: (readonly [Fields, string])[]): [string, unknown] | undefined {
  for (const [fields, key] of sources) {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (value !== undefined && value !== null) return [key, value];
  }
  return undefined;
}

interface Bounds {
  fallback: number;
  whole: boolean;
}

function positive(file: string, sources: (readonly [Fields, string])[], { fallback, whole }: Bounds): number {
  const [key, value] = first(sources) ?? ['', fallback];
  const valid = typeof value === 'number' && value > 0 && Number.isFinite(value) && (!whole || Number.isInteger(value));
  const kind = whole ? 'whole number' : 'number';
  check(valid, 'image.processorConfig', `${file}: ${key} is ${JSON.stringify(value)}, expected a ${kind} above 0`);
  return value;
}

function triple({ file, fields }: Checked, key: string, fallback: [number, number, number]): [number, number, number] {
  const value = first([[fields, key]])?.[1] ?? fallback;
  const valid = Array.isArray(value) && value.length === 3 && value.every((x) => Number.isFinite(x));
  check(valid, 'image.processorConfig', `${file}: ${key} is ${JSON.stringify(value)}, expected three numbers`);
  return value as [number, number, number];
}

function checkSteps({ file, fields }: Checked): void {
  for (const key of ALWAYS_ON) {
    check(
      fields[key] !== false,
      'image.processorConfig',
      `${file}: ${key} is false, but only the full preprocessing of Qwen2.5-VL is supported`,
      `Use the ${file} that was published with the model.`,
    );
  }
  const resample = fields.resample ?? BICUBIC;
  check(
    resample === BICUBIC,
    'image.processorConfig',
    `${file}: resample is ${JSON.stringify(resample)}, expected ${BICUBIC} (bicubic)`,
  );
}

/**
 * Chooses the file that holds a model's image processor, as transformers 5 does
 * (transformers/image_processing_base.py, get_image_processor_dict).
 * @param files parsed, undefined for one that the model does not have
 * @throws model.missing when neither has one
 */
export function findImageProcessor(files: { processor?: JsonObject; preprocessor?: JsonObject }): Source {
  const nested = files.processor?.image_processor;
  const file = 'processor_config.json';
  if (nested !== undefined) return { file: `${file}: image_processor`, json: nested };
  check(
    files.preprocessor,
    'model.missing',
    `The model's folder has no preprocessor_config.json, and ${file} ${files.processor ? 'has no image_processor' : 'is not there'}.`,
    'Add the preprocessor_config.json that was published with the model.',
  );
  return { file: 'preprocessor_config.json', json: files.preprocessor };
}

/**
 * Reads an image processor. `min_pixels` and `max_pixels` win over `size.shortest_edge` and `size.longest_edge`, which
 * mean the same (pixel counts); what the file lacks is transformers' default.
 * @param json what `findImageProcessor` gives, as `file` @param older takes the place of these defaults
 * @throws image.processorConfig naming the file and the key, for values of the wrong kind and steps not supported
 */
export function parseImageProcessor(
  json: unknown,
  older: Partial<ImageProcessor> = {},
  file = 'preprocessor_config.json',
): ImageProcessor {
  const defaults = { ...DEFAULTS, ...older };
  check(isJsonObject(json), 'image.processorConfig', `${file}: expected a JSON object, found ${JSON.stringify(json)}`);
  const fields: Fields = json;
  const source = { file, fields };
  checkSteps(source);
  const size = (typeof fields.size === 'object' ? (fields.size ?? {}) : {}) as Fields;
  const whole = (key: keyof ImageProcessor, alias?: string): number => {
    const places = [[fields, key] as const, ...(alias ? [[size, alias] as const] : [])];
    return positive(file, places, { fallback: defaults[key] as number, whole: true });
  };
  const rescale = [[fields, 'rescale_factor'] as const];
  const processor: ImageProcessor = {
    min_pixels: whole('min_pixels', 'shortest_edge'),
    max_pixels: whole('max_pixels', 'longest_edge'),
    patch_size: whole('patch_size'),
    temporal_patch_size: whole('temporal_patch_size'),
    merge_size: whole('merge_size'),
    image_mean: triple(source, 'image_mean', defaults.image_mean),
    image_std: triple(source, 'image_std', defaults.image_std),
    rescale_factor: positive(file, rescale, { fallback: defaults.rescale_factor, whole: false }),
  };
  const { min_pixels, max_pixels } = processor;
  const ordered = min_pixels <= max_pixels;
  check(ordered, 'image.processorConfig', `${file}: min_pixels ${min_pixels} is above max_pixels ${max_pixels}`);
  const scalable = processor.image_std.every((x) => x > 0);
  check(scalable, 'image.processorConfig', `${file}: image_std is ${processor.image_std.join(', ')}, expected above 0`);
  return processor;
}
