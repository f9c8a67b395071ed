// Small real inputs for the page, made of the demo's own data in temporary folders. Knows nothing of browsers.

import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from './repository';

const DEMO_DATA = join(REPOSITORY, 'public/demo/data');
export const DEMO_MODEL = join(REPOSITORY, 'public/demo/model');

export interface Row {
  image: string;
  question: string;
  thought: string;
  answer: string;
}

/** Parses a JSON file that holds an object. */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
}

/** A temporary folder; `remove` deletes it with everything in it. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'lorikeet-e2e-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The first `count` rows of the demo's file of that split. */
export async function demoRows(split: 'train' | 'val', count: number): Promise<Row[]> {
  const text = await readFile(join(DEMO_DATA, `demo_cot_${split}.jsonl`), 'utf8');
  const lines = text.split('\n').slice(0, count);
  return lines.map((line) => JSON.parse(line) as Row);
}

/** Copies the pictures that rows name from the demo into a folder. */
export async function copyPictures(rows: Row[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of new Set(rows.map(({ image }) => image))) {
    await copyFile(join(DEMO_DATA, 'images', name), join(folder, name));
  }
}

/** A dataset folder: one JSONL file per split, named for it, and an `images` folder. Resolves with its path. */
export async function writeDataset(parent: string, name: string, train: number, val: number): Promise<string> {
  const folder = join(parent, name);
  const splits = { train: await demoRows('train', train), val: await demoRows('val', val) };
  await copyPictures(Object.values(splits).flat(), join(folder, 'images'));
  for (const [split, rows] of Object.entries(splits)) {
    await writeFile(join(folder, `${name}_${split}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  return folder;
}

/** What a test's recipe says; everything else is the demo's recipe. */
interface ShortRecipe {
  sftSteps: number;
  grpoSteps: number;
  maxPromptLength?: number;
  evalRows?: number;
}

/** Writes the demo's recipe with few steps and small batches; resolves with the file's path. */
export async function writeRecipe(parent: string, short: ShortRecipe): Promise<string> {
  const demo = JSON.parse(await readFile(join(REPOSITORY, 'public/demo/recipe.json'), 'utf8')) as {
    sft: object;
    grpo: object;
    eval: object;
  };
  const recipe = {
    ...demo,
    max_prompt_length: short.maxPromptLength ?? 128,
    max_completion_length: 40,
    sft: { ...demo.sft, steps: short.sftSteps, batch_size: 2, gradient_accumulation_steps: 1 },
    grpo: { ...demo.grpo, steps: short.grpoSteps, prompts_per_step: 2, num_generations: 2 },
    eval: { ...demo.eval, rows: short.evalRows ?? 4, samples_per_row: 1 },
  };
  const path = join(parent, 'recipe.json');
  await writeFile(path, JSON.stringify(recipe));
  return path;
}

/** A copy of the demo's model, to be spoilt by `spoil`. Resolves with its path. */
export async function copyModel(
  parent: string,
  name: string,
  spoil: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(parent, name);
  await cp(DEMO_MODEL, folder, { recursive: true });
  await spoil(folder);
  return folder;
}
