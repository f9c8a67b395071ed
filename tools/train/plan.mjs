// What a training run was asked to do: the flags, checked before anything slow starts.

import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readInteger } from '../launcher/arguments.mjs';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';

export const options = {
  data: { type: 'string', value: 'DIR', about: 'folder with the JSONL files and their images (default: the demo)' },
  model: {
    type: 'string',
    value: 'DIR',
    about: 'folder of a Qwen2.5-VL model as on the hub (default: the demo model)',
  },
  recipe: { type: 'string', value: 'FILE', about: 'settings as JSON, in the names of TRL (default: the demo recipe)' },
  out: { type: 'string', value: 'DIR', about: 'where the results go (default: runs/TIME)' },
  seed: { type: 'string', value: 'N', about: 'random seed' },
  port: { type: 'string', value: 'N', about: 'port to serve on (default: a free one)' },
  headed: { type: 'boolean', about: 'show the browser window' },
  software: { type: 'boolean', about: 'use software WebGPU even where there is a GPU' },
};

/** Paths are meant from where npm was called; npm itself runs scripts in the repository. */
function userPath(path) {
  return resolve(process.env.INIT_CWD ?? '.', path);
}

function readFolder(flag, path) {
  if (path === undefined) return null;
  const folder = userPath(path);
  if (!existsSync(folder)) throw new Failure(`--${flag} ${path}: there is no ${folder}`);
  if (!statSync(folder).isDirectory()) throw new Failure(`--${flag} ${path}: expected a folder, found a file`);
  return folder;
}

function readModel(path) {
  const folder = readFolder('model', path);
  if (folder !== null && !existsSync(join(folder, 'config.json'))) {
    throw new Failure(`--model ${path}: no config.json in it`, 'Give a model folder as on the Hugging Face hub.');
  }
  return folder;
}

/** The recipe's text, known to be JSON; the page checks its fields. */
function readRecipe(path) {
  if (path === undefined) return null;
  try {
    const text = readFileSync(userPath(path), 'utf8');
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new Failure(`--recipe ${path}: ${error.message}`, 'Expected a JSON file, e.g. public/demo/recipe.json.');
  }
}

function makeOutput(path) {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const folder = path === undefined ? inRepository('runs', stamp) : userPath(path);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Failure(`--out ${path ?? folder}: ${error.message}`);
  }
  return folder;
}

/**
 * Checks the flags and makes the output folder.
 * @param {Record<string, string | boolean | undefined>} flags
 * @returns {{data: string | null, model: string | null, recipe: string | null, out: string, seed: number | null, port: number,
 *   headed: boolean, software: boolean}} absolute paths
 * @throws Failure
 */
export function readPlan(flags) {
  return {
    data: readFolder('data', flags.data),
    model: readModel(flags.model),
    recipe: readRecipe(flags.recipe),
    seed: flags.seed === undefined ? null : readInteger('seed', flags.seed, 0, Number.MAX_SAFE_INTEGER),
    port: flags.port === undefined ? 0 : readInteger('port', flags.port, 1, 65535),
    headed: Boolean(flags.headed),
    software: Boolean(flags.software),
    out: makeOutput(flags.out),
  };
}
