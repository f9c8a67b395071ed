// The files and folders that flags name, checked and listed before anything slow starts.

import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { jsonFileText } from '../../src/base/textBytes.mjs';
import { Failure } from '../launcher/failure.mjs';
import { listFolder, listTree } from './givenFiles.mjs';
import { readHubName } from './hubModel.mjs';

/**
 * @typedef {object} Given what a flag named
 * @property {string} path absolute
 * @property {import('./givenFiles.mjs').GivenFile[]} files what the page shall have of it
 * @property {{id: string, revision: string}} [hub] a model of the hub in place of files; `path` is its name then
 */

const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** Paths are meant from where npm was called; npm itself runs scripts in the repository. */
export function userPath(path) {
  return resolve(process.env.INIT_CWD ?? '.', path);
}

function existing(flag, path) {
  const full = userPath(path);
  if (!existsSync(full)) throw new Failure(`--${flag} ${path}: there is no ${full}`);
  return full;
}

/** The absolute path of a folder that a flag names. @throws Failure unless it is one */
export function readFolder(flag, path) {
  const folder = existing(flag, path);
  if (!statSync(folder).isDirectory()) throw new Failure(`--${flag} ${path}: expected a folder, found a file`);
  return folder;
}

/** @returns {Given} every file of a folder of data, or one file: a zip or a JSONL file @throws Failure */
export function readData(path) {
  const full = existing('data', path);
  return { path: full, files: listTree(`--data ${path}`, full) };
}

/**
 * Reads what --model names: a folder if there is one, else a name on the hub.
 * @returns {Given} the files of the folder, without those in its folders; or the name
 * @throws Failure
 */
export function readModel(path) {
  if (!existsSync(userPath(path))) {
    const hub = readHubName(path);
    if (hub !== null) return { path, files: [], hub };
    throw new Failure(
      `--model ${path}: there is no ${userPath(path)}, and it is no name of a model on the hub`,
      'Give the folder of a model, or owner/name[@revision], e.g. Qwen/Qwen2.5-VL-3B-Instruct.',
    );
  }
  const folder = readFolder('model', path);
  // Only the folder's own files count: a repository may hold other formats in subfolders.
  // Nor the hidden ones, which some systems leave beside each file (`._model.safetensors`).
  const files = listFolder(`--model ${path}`, folder, { deep: false }).filter(({ name }) => !name.startsWith('.'));
  if (!files.some(({ name }) => name === 'config.json')) {
    throw new Failure(`--model ${path}: no config.json in it`, 'Give a model folder as on the Hugging Face hub.');
  }
  return { path: folder, files };
}

/** The file's first bytes. */
function headOf(path, bytes) {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(bytes);
    return { head: head.subarray(0, readSync(file, head, 0, bytes, 0)), size: fstatSync(file).size };
  } finally {
    closeSync(file);
  }
}

/** What is wrong with an adapter's two files, as far as it shows without the base model; null when nothing is. */
function adapterProblem(config, weights) {
  const read = jsonFileText(readFileSync(config));
  if ('problem' in read) return `${ADAPTER_CONFIG}: ${read.problem}`;
  try {
    const { peft_type } = JSON.parse(read.text) ?? {};
    if (peft_type !== 'LORA') return `${ADAPTER_CONFIG}: peft_type is ${JSON.stringify(peft_type)}, expected "LORA"`;
  } catch (error) {
    return `${ADAPTER_CONFIG}: ${error.message}`;
  }
  // A safetensors file begins with its header's length, which a cut file or a pointer to one does not hold.
  const { head, size } = headOf(weights, 8);
  if (head.length === 8 && head.readBigUInt64LE() + 8n <= BigInt(size)) return null;
  return `${ADAPTER_WEIGHTS} is not a whole safetensors file (${size} bytes; a Git LFS pointer has a few hundred)`;
}

/** @returns {Given} the two files of a PEFT adapter @throws Failure when one is missing or plainly no such file */
export function readAdapter(path) {
  const folder = readFolder('adapter', path);
  const missing = [ADAPTER_CONFIG, ADAPTER_WEIGHTS].filter((name) => !existsSync(join(folder, name)));
  if (missing.length > 0) {
    const nested = existsSync(join(folder, 'adapter', ADAPTER_CONFIG));
    throw new Failure(
      `--adapter ${path}: no ${missing.join(' and no ')} in it`,
      nested
        ? `There is an adapter in ${join(path, 'adapter')}.`
        : 'Give a folder as PEFT saves it (safe_serialization).',
    );
  }
  const listed = listFolder(`--adapter ${path}`, folder, { deep: false });
  const files = [ADAPTER_CONFIG, ADAPTER_WEIGHTS].map((name) => listed.find((file) => file.name === name));
  if (files.includes(undefined)) throw new Failure(`--adapter ${path}: expected two files, found folders`);
  const problem = adapterProblem(files[0].path, files[1].path);
  if (problem !== null) throw new Failure(`--adapter ${path}: ${problem}`);
  return { path: folder, files };
}

/** The recipe's text, known to be JSON; the page checks its fields. @throws Failure */
export function readRecipe(path) {
  const fail = (message) => new Failure(`--recipe ${path}: ${message}`, 'Expected e.g. public/demo/recipe.json.');
  try {
    const read = jsonFileText(readFileSync(userPath(path)));
    if ('problem' in read) throw fail(read.problem);
    JSON.parse(read.text);
    return read.text;
  } catch (error) {
    throw error instanceof Failure ? error : fail(error.message);
  }
}
