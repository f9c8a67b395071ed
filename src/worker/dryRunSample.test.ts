// @vitest-environment node
// What a dry run works on: one micro-batch a step, of rows that stand for the others.

import { expect, test } from 'vitest';
import type { Example } from '../data/encode';
import { presets } from '../recipe/presets';
import type { Recipe } from '../recipe/config';
import { grpoOptimizerSteps, rolloutShape } from '../train/schedule';
import { dryRecipe, sampleRows } from './dryRunSample';
import type { TrainingRows } from './rows';

function example(tokens: number): Example {
  const ids = new Int32Array(tokens);
  return {
    ...{ ids, positions: new Int32Array(3 * tokens), nextPosition: tokens, images: [] },
    ...{ promptLength: tokens - 1, labelMask: new Uint8Array(tokens) },
  };
}

/** Rows of 1 to `count` tokens, shuffled. */
function rowsOf(count: number): TrainingRows {
  const examples = Array.from({ length: count }, (_, i) => example(1 + ((i * 7) % count)));
  const words = { image: '', imageName: '', question: '', thought: '', answer: '' };
  const rows = examples.map((own) => ({ ...words, prompt: own, example: own }));
  return { sft: examples, grpo: rows, validation: rows, leftOut: [], nearest: null, misfits: [] };
}

const tokensOf = ({ ids }: { ids: Int32Array }): number => ids.length;

test('a step is one micro-batch of each stage, and changes neither adapter nor anything else', () => {
  const recipe = dryRecipe(presets.mmherc);
  expect(recipe.sft).toMatchObject({
    per_device_train_batch_size: 4,
    gradient_accumulation_steps: 1,
    learning_rate: 0,
  });
  expect(rolloutShape(recipe.grpo)).toMatchObject({ completions: 16, prompts: 4, microSteps: 1 });
  expect(recipe.sft).toMatchObject({ eval_steps: 0, save_steps: 0, weight_decay: 0 });
});

test('rows are those in the middle of equal shares by length', () => {
  const { sft, grpo, validation } = sampleRows(rowsOf(41), presets.mmherc);
  expect(sft.map(tokensOf)).toEqual([2, 6, 9, 12, 16, 19, 23, 26, 30, 33, 36, 40]);
  expect(grpo.map(({ prompt }) => tokensOf(prompt))).toEqual([6, 16, 26, 36]);
  expect(validation).toHaveLength(8);
});

test('a micro-batch smaller than a group becomes one group, and the rows suffice for its rollout', () => {
  const { grpo } = presets.mmherc;
  const torn = { ...grpo, per_device_train_batch_size: 2, gradient_accumulation_steps: 8, num_iterations: 2 };
  const recipe: Recipe = { ...presets.mmherc, grpo: torn };
  const dry = dryRecipe(recipe);
  const { grpo: rows } = sampleRows(rowsOf(41), recipe);
  expect(rolloutShape(dry.grpo)).toMatchObject({ completions: 4, prompts: rows.length });
  expect(grpoOptimizerSteps(rows.length, dry.grpo)).toBe(1);
});

test('a stage that the recipe leaves out stays out', () => {
  const recipe: Recipe = { ...presets.mmherc, grpo: { ...presets.mmherc.grpo, max_steps: 0 } };
  expect(dryRecipe(recipe).grpo.max_steps).toBe(0);
  expect(sampleRows(rowsOf(41), recipe).grpo).toEqual([]);
});
