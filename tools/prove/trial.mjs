// The smallest job that goes through everything: one row with a picture, one step of SFT, one of GRPO, no evaluation.

import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRepository } from '../launcher/paths.mjs';

/** One of the demo's: 112 x 112 pixels, which are 4 x 4 cells of 28, so 16 tokens. */
const PICTURE = 'train_000.png';

// A single row leaves none for validation, so that nothing is evaluated.
const ROW = {
  image: PICTURE,
  question: 'What is in the picture?',
  thought: 'A heart is in it.',
  answer: 'the heart',
};

/** Completions of one group always differ in it: equal rewards would leave GRPO without a gradient. */
const PLACE = 'function score({ completions }) { return completions.map((_, place) => place); }';

const STEP = { max_steps: 1, gradient_accumulation_steps: 1, learning_rate: 1e-4 };

const RECIPE = {
  system_prompt: 'Think in <thought></thought>, then reply in <answer></answer>.',
  target_template: '<thought> {thought}</thought>\n<answer>{answer}</answer>',
  max_prompt_length: 110,
  load_in_4bit: true,
  bnb_4bit_use_double_quant: true,
  lora: { r: 8, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] },
  sft: { ...STEP, per_device_train_batch_size: 1, max_length: 130 },
  grpo: {
    ...STEP,
    per_device_train_batch_size: 2,
    num_generations: 2,
    max_completion_length: 4,
    reward_funcs: [{ name: 'place', javascript: PLACE }],
  },
};

/**
 * Writes data and recipe of the trial.
 * @param {string} folder that exists @returns {{data: string, recipe: string}} paths
 */
export function writeTrial(folder) {
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'rows.jsonl'), `${JSON.stringify(ROW)}\n`);
  cpSync(inRepository('public', 'demo', 'data', 'images', PICTURE), join(data, PICTURE));
  const recipe = join(folder, 'recipe.json');
  writeFileSync(recipe, `${JSON.stringify(RECIPE, null, 2)}\n`);
  return { data, recipe };
}
