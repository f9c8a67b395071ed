// The record types of image.json, as the reference's README describes them. Types only.

import type { TensorTolerance } from '../../reference/types';
import type { StoredArray } from './storedArray';

export interface Limits {
  min_pixels: number;
  max_pixels: number;
}

export interface ImageRun extends Limits {
  view: 'recipe' | 'library' | 'exif_applied';
  limits: string;
  required: boolean;
  /** Of runs with the same choice (and limits) one must match. */
  choice?: string;
  grid_thw: number[];
  resized_height: number;
  resized_width: number;
  resized_rgb: StoredArray;
  pixel_values: StoredArray;
}

export interface PreResizeRecord {
  /** [width, height] */
  size_once: number[];
  size_twice: number[];
  rgb: StoredArray;
  grid_thw?: number[];
  pixel_values?: StoredArray;
  error?: string;
}

export interface ImageCase {
  name: string;
  file: string;
  mode: string;
  width: number;
  height: number;
  decoded_rgb?: StoredArray;
  runs: ImageRun[];
  pre_resize: PreResizeRecord;
}

export interface ImageFile {
  cases: ImageCase[];
  errors: { height: number; width: number; error: string }[];
  smart_resize: (Limits & { height: number; width: number; resized_height: number; resized_width: number })[];
  pre_resize_sizes: { width: number; height: number; once: number[]; twice: number[] }[];
  mean: number[];
  std: number[];
  rescale: number;
  tolerance: { decoded_rgb_jpg: number; pixel_values: TensorTolerance };
}
