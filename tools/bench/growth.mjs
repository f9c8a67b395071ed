// How time and memory of a run grow with one quantity, all else equal: tokens of a row, the vocabulary, rows of the data.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../launcher/paths.mjs';
import { measureRun } from '../prove/measure.mjs';
import { makeSynthetic } from '../synthetic/synthetic.mjs';
import { growthTable } from './growthTable.mjs';

const DEMO = inRepository('public', 'demo');
const DEMO_ROWS = join('data', 'demo_cot_train.jsonl');

/** Steps enough that the first, which compiles, does not decide. */
const STEPS = 4;

/**
 * The demo's recipe, in its own words, with a few steps and no evaluation, whose size would not grow with anything here.
 * @param {{promptLength?: number, grpoSteps?: number}} sizes
 */
export function recipeFor({ promptLength = 128, grpoSteps = STEPS }) {
  const recipe = JSON.parse(readFileSync(join(DEMO, 'recipe.json'), 'utf8'));
  return {
    ...recipe,
    max_prompt_length: promptLength,
    max_completion_length: 8,
    sft: { ...recipe.sft, rows: null, steps: STEPS, eval_steps: 0, save_steps: 0 },
    grpo: { ...recipe.grpo, steps: grpoSteps, save_steps: 0 },
    eval: { rows: 1, samples_per_row: 0, sample_temperature: 1 },
  };
}

function writeRows(folder, rows) {
  mkdirSync(folder, { recursive: true });
  const images = [...new Set(rows.map(({ image }) => image))];
  for (const image of images) cpSync(join(DEMO, 'data', 'images', image), join(folder, image));
  writeFileSync(join(folder, 'train.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

function demoRows(count) {
  const rows = readFileSync(join(DEMO, DEMO_ROWS), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  // Each question once: equal rows would be reported.
  return Array.from({ length: count }, (_, i) => {
    const row = rows[i % rows.length];
    const round = Math.floor(i / rows.length);
    return round === 0 ? row : { ...row, question: `${row.question} ${round}` };
  });
}

/** What grows, in which sizes, and what a run of each size is given. */
const SERIES = {
  tokens: {
    sizes: [64, 256, 1024],
    about: 'tokens of a row',
    // This word is a token in the demo, and picture, tags and system text are about 60.
    prepare: (folder, size) => {
      const words = ' red'.repeat(Math.max(0, size - 80));
      writeRows(
        join(folder, 'data'),
        demoRows(16).map((row) => ({ ...row, question: `${row.question}${words}` })),
      );
      return { recipe: recipeFor({ promptLength: 1024 }) };
    },
  },
  vocabulary: {
    sizes: [1024, 4096, 16384],
    about: 'words of the vocabulary',
    prepare: async (folder, size) => {
      writeRows(join(folder, 'data'), demoRows(16));
      const model = join(folder, 'model');
      await makeSynthetic({ shape: 'small', vocab: size, out: model });
      return { recipe: recipeFor({}), model };
    },
  },
  rows: {
    sizes: [100, 1000, 10000],
    about: 'rows of the data',
    prepare: (folder, size) => {
      writeRows(join(folder, 'data'), demoRows(size));
      return { recipe: recipeFor({ grpoSteps: 0 }) };
    },
  },
};

async function measureSize(series, size) {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-growth-'));
  try {
    const { recipe, model } = await series.prepare(folder, size);
    const path = join(folder, 'recipe.json');
    writeFileSync(path, JSON.stringify(recipe));
    let measured;
    const files = { data: join(folder, 'data'), recipe: path, out: join(folder, 'out') };
    const code = await measureRun({ ...files, ...(model ? { model } : {}), software: true }, (all) => (measured = all));
    return { size, code, ...measured };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Measures the named series, or all.
 * @param {string} name `tokens`, `vocabulary`, `rows` or `all`
 * @returns {Promise<number>} 0 when every run ended well
 */
export async function measureGrowth(name) {
  const names = name === 'all' ? Object.keys(SERIES) : [name];
  const tables = [];
  let worst = 0;
  for (const one of names) {
    const series = SERIES[one];
    const measured = [];
    for (const size of series.sizes) measured.push(await measureSize(series, size));
    worst = Math.max(worst, ...measured.map(({ code }) => code));
    tables.push(growthTable(series.about, measured));
  }
  process.stdout.write(`\n${tables.join('\n\n')}\n`);
  return worst;
}

/** Names that `measureGrowth` takes. */
export const GROWTH_NAMES = [...Object.keys(SERIES), 'all'];
