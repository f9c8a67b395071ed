// The smallest job that goes through everything: one row with a picture, one step of SFT, one of GRPO, no evaluation.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

/** Pixels; 4 x 4 cells of 28: 16 tokens. */
const SIDE = 112;

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** A picture like a photo: soft gradients of the sky and a field, a sun, and noise in every pixel. @returns PNG */
function picture() {
  const rows = Buffer.alloc(SIDE * (1 + 3 * SIDE));
  let noise = 1;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
      const grain = (noise >>> 24) / 16 - 8;
      const field = y > 70 + 8 * Math.sin(x / 17);
      const sun = 90 * Math.exp(-((x - 80) ** 2 + (y - 30) ** 2) / 200);
      const color = field ? [70 + y / 3, 120 - y / 4, 50] : [110 + y + sun, 150 + y / 2 + sun, 230 - y / 3];
      for (const [c, value] of color.entries())
        rows[y * (1 + 3 * SIDE) + 1 + 3 * x + c] = Math.max(0, Math.min(255, value + grain));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

// A single row leaves none for validation, so that nothing is evaluated.
const ROW = {
  image: 'field.png',
  question: 'What is above the field?',
  thought: 'The sun stands over it.',
  answer: 'the sun',
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
  writeFileSync(join(data, 'field.png'), picture());
  const recipe = join(folder, 'recipe.json');
  writeFileSync(recipe, `${JSON.stringify(RECIPE, null, 2)}\n`);
  return { data, recipe };
}
