import { describe, expect, it } from 'vitest';
import { findImageProcessor, parseImageProcessor } from './processorConfig';

const refused = expect.objectContaining({ code: 'image.processorConfig' }) as Error;

describe('parseImageProcessor', () => {
  it('fills in what transformers does for what the file lacks', () => {
    expect(parseImageProcessor({})).toEqual({
      min_pixels: 3136,
      max_pixels: 1003520,
      patch_size: 14,
      temporal_patch_size: 2,
      merge_size: 2,
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
      rescale_factor: 0.00392156862745098,
    });
  });

  it('takes every number from the file', () => {
    const numbers = {
      min_pixels: 1,
      max_pixels: 2,
      patch_size: 3,
      temporal_patch_size: 4,
      merge_size: 5,
      image_mean: [0, 0.5, 1],
      image_std: [1, 2, 3],
      rescale_factor: 0.5,
    };
    expect(parseImageProcessor({ ...numbers, resample: 3, do_resize: true })).toEqual(numbers);
  });

  it('reads the limits from size, unless min_pixels and max_pixels are there', () => {
    const size = { shortest_edge: 100, longest_edge: 1000 };
    expect(parseImageProcessor({ size })).toMatchObject({ min_pixels: 100, max_pixels: 1000 });
    expect(parseImageProcessor({ size, max_pixels: 500 })).toMatchObject({ min_pixels: 100, max_pixels: 500 });
    expect(parseImageProcessor({ size: null, max_pixels: null })).toMatchObject({ max_pixels: 1003520 });
  });

  it('refuses values of the wrong kind, naming the key', () => {
    for (const bad of [
      { patch_size: '14' },
      { patch_size: 0 },
      { merge_size: 1.5 },
      { image_mean: [1, 2] },
      { image_std: [1, 0, 1] },
      { rescale_factor: -1 },
      { size: { shortest_edge: 'x' } },
      { min_pixels: 10, max_pixels: 9 },
    ]) {
      expect(() => parseImageProcessor(bad)).toThrow(refused);
    }
    expect(() => parseImageProcessor({ merge_size: -2 })).toThrow(/merge_size is -2/);
    for (const bad of [null, [], 'x', 3]) expect(() => parseImageProcessor(bad)).toThrow(refused);
  });

  it('refuses another resampling and switched-off steps', () => {
    expect(() => parseImageProcessor({ resample: 2 })).toThrow(refused);
    expect(() => parseImageProcessor({ do_normalize: false })).toThrow(refused);
  });
});

describe('findImageProcessor', () => {
  const nested = { patch_size: 14, size: { shortest_edge: 3136, longest_edge: 50176 } };

  it('takes image_processor of processor_config.json before preprocessor_config.json', () => {
    const files = { processor: { image_processor: nested }, preprocessor: { max_pixels: 7 } };
    expect(findImageProcessor(files)).toEqual({ file: 'processor_config.json: image_processor', json: nested });
    expect(parseImageProcessor(findImageProcessor(files).json).max_pixels).toBe(50176);
  });

  it('takes preprocessor_config.json where processor_config.json is of an older form or not there', () => {
    const preprocessor = { max_pixels: 7 };
    for (const processor of [undefined, { processor_class: 'Qwen2_5_VLProcessor' }]) {
      expect(findImageProcessor({ processor, preprocessor })).toEqual({
        file: 'preprocessor_config.json',
        json: preprocessor,
      });
    }
  });

  it('says what is missing, and which value of which file is wrong', () => {
    expect(() => findImageProcessor({ processor: {} })).toThrow(
      /no preprocessor_config\.json.* has no image_processor/,
    );
    expect(() => findImageProcessor({})).toThrow(/processor_config\.json is not there/);
    const bad = { ...nested, patch_size: 0 };
    for (const [image_processor, problem] of [
      [bad, 'patch_size is 0'] as const,
      [3, 'expected a JSON object'] as const,
    ]) {
      const { file, json } = findImageProcessor({ processor: { image_processor } });
      const named = new RegExp(`^processor_config\\.json: image_processor: ${problem}`);
      expect(() => parseImageProcessor(json, {}, file)).toThrow(named);
    }
  });
});
