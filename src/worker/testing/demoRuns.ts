// What short whole runs of the demo's model begin with, for tests in the browser: one picture, three rows, no real encoder.

import type { DatasetInfo, DatasetRow } from '../../base/dataset';
import type { Recipe } from '../../recipe/config';
import { presets } from '../../recipe/presets';
import type { EncoderClient } from '../encoderClient';

const DEMO = new URL('/demo/', location.href).href;

export const DEMO_MODEL = { kind: 'bundled', url: `${DEMO}model/` } as const;

const IMAGE = 'train_000.png';

/** The record of a dataset of two rows to train and one to validate. */
export function demoInfo(id: string): DatasetInfo {
  return {
    ...{ id, name: 'rows', createdAt: 0, trainRows: 2, valRows: 1, images: 1, bytes: 0 },
    ...{ promptTokens: null, targetTokens: null, problems: [] },
  };
}

function row(line: number, split: DatasetRow['split']): DatasetRow {
  const words = { question: 'What shape is red?', thought: 'A star.', answer: 'star' };
  return { image: IMAGE, imageName: IMAGE, ...words, split, file: 'a', line };
}

/** Rows of `demoInfo`: the last one validates. */
export const DEMO_ROWS = [row(1, 'train'), row(2, 'train'), row(3, 'val')];

/** The picture of the rows, by its name. */
export async function demoImages(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  return new Map([[IMAGE, new Uint8Array(await (await fetch(`${DEMO}data/images/${IMAGE}`)).arrayBuffer())]]);
}

/** Three steps of SFT with a checkpoint after each, and one row to evaluate. */
export const THREE_STEPS: Recipe = {
  ...presets.demo,
  sft: {
    ...presets.demo.sft,
    ...{ max_steps: 3, save_steps: 1, per_device_train_batch_size: 2, gradient_accumulation_steps: 1 },
  },
  grpo: { ...presets.demo.grpo, max_steps: 0, max_completion_length: 4 },
  eval: { rows: 1, samples_per_row: 0, temperature: 1 },
};

/** Finds all texts alike. */
export const DEAF_ENCODER: EncoderClient = {
  load: async () => undefined,
  embed: async (texts) => texts.map(() => Float32Array.of(1, 0)),
  fail: () => undefined,
};
