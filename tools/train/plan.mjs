// What a training run was asked to do: the flags, checked before anything slow starts.

import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readInteger } from '../launcher/arguments.mjs';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { resumeCommand } from './command.mjs';
import { hasRunFile, ownVersion, readRunRecord, RUN_FILE, RUN_RECORD } from './runRecord.mjs';

export const options = {
  data: { type: 'string', value: 'DIR', about: 'folder with the JSONL files and their images (default: the demo)' },
  model: {
    type: 'string',
    value: 'DIR',
    about: 'folder of a Qwen2.5-VL model as on the hub (default: the demo model)',
  },
  adapter: {
    type: 'string',
    value: 'DIR',
    about: 'PEFT adapter to start from: adapter_config.json, adapter_model.safetensors (default: a new one)',
  },
  recipe: { type: 'string', value: 'FILE', about: 'settings as JSON, in the names of TRL (default: the demo recipe)' },
  out: { type: 'string', value: 'DIR', about: 'where the results go (default: runs/TIME)' },
  resume: {
    type: 'string',
    value: 'DIR',
    about: 'goes on with the unfinished run whose results are there; --data, --model: where those folders are now',
  },
  seed: { type: 'string', value: 'N', about: "random seed (default: the recipe's, else 0)" },
  port: { type: 'string', value: 'N', about: 'port to serve on (default: a free one)' },
  headed: { type: 'boolean', about: 'show the browser window' },
  software: { type: 'boolean', about: 'use software WebGPU even where there is a GPU' },
};

const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors'];

/** Flags that would make another run of a resumed one, and what to do instead. */
const NOT_WITH_RESUME = {
  seed: 'A run keeps its seed.',
  adapter: 'The run file holds the adapter as it was trained so far.',
  out: 'A resumed run writes its results where the earlier ones are.',
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

function readAdapter(path) {
  const folder = readFolder('adapter', path);
  if (folder === null) return null;
  const missing = ADAPTER_FILES.filter((name) => !existsSync(join(folder, name)));
  if (missing.length === 0) return folder;
  const nested = existsSync(join(folder, 'adapter', ADAPTER_FILES[0]));
  throw new Failure(
    `--adapter ${path}: no ${missing.join(' and no ')} in it`,
    nested
      ? `There is an adapter in ${join(path, 'adapter')}.`
      : 'Give a folder as PEFT saves it (safe_serialization).',
  );
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

/** A run that can go on is worth more than the folder's name: it is never overwritten. */
function refuseUnfinished(folder) {
  if (!hasRunFile(folder)) return;
  const record = readRunRecord(folder);
  if (record === null || record.state === 'finished') return;
  throw new Failure(
    `${folder} holds an unfinished run.`,
    `Go on with it (${resumeCommand(folder)}), give another --out, or delete ${RUN_FILE} there.`,
  );
}

function makeOutput(path) {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const folder = path === undefined ? inRepository('runs', stamp) : userPath(path);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Failure(`--out ${path ?? folder}: ${error.message}`);
  }
  refuseUnfinished(folder);
  return folder;
}

function readCommon(flags) {
  return {
    recipe: readRecipe(flags.recipe),
    port: flags.port === undefined ? 0 : readInteger('port', flags.port, 1, 65535),
    headed: Boolean(flags.headed),
  };
}

/** Where a recorded folder is now: the flag's, else the recorded one if it is still there. */
function recordedFolder(flag, given, recorded, out) {
  if (given !== null || recorded === null || existsSync(recorded)) return given ?? recorded;
  throw new Failure(
    `the run's ${flag} folder is not there any more: ${recorded} (named in ${join(out, RUN_RECORD)})`,
    `Say where it is now: ${resumeCommand(out)} --${flag} DIR`,
  );
}

function readRecord(path, out) {
  const record = readRunRecord(out);
  if (record === null) throw new Failure(`--resume ${path}: no ${RUN_RECORD} in it`, 'Give the --out folder of a run.');
  if (record.state === 'finished' || hasRunFile(out)) return record;
  throw new Failure(
    `--resume ${path}: no ${RUN_FILE} in it; the run ended before its first checkpoint`,
    'Start it again with its flags and the same --out.',
  );
}

function readResumed(flags) {
  const refused = Object.keys(NOT_WITH_RESUME).find((flag) => flags[flag] !== undefined);
  if (refused) throw new Failure(`--${refused} cannot be given with --resume.`, NOT_WITH_RESUME[refused]);
  const out = readFolder('resume', flags.resume);
  const record = readRecord(flags.resume, out);
  if (record.model === null && flags.model !== undefined) {
    throw new Failure('--model cannot be given with this --resume.', 'The run trains the demo model.');
  }
  const given = { data: readFolder('data', flags.data), model: readModel(flags.model) };
  const finished = record.state === 'finished';
  // Of a finished run nothing is needed any more.
  const folderOf = (flag) => (finished ? record[flag] : recordedFolder(flag, given[flag], record[flag], out));
  return {
    ...readCommon(flags),
    ...record,
    out,
    resumed: true,
    finished,
    data: folderOf('data'),
    model: folderOf('model'),
    // Another adapter of the machine would not repeat the run's bits.
    software: record.software || Boolean(flags.software),
  };
}

/**
 * Checks the flags and makes the output folder.
 * @param {Record<string, string | boolean | undefined>} flags
 * @returns {{data: string | null, model: string | null, adapter: string | null, recipe: string | null, out: string,
 *   resumed: boolean, finished: boolean, seed: number | null, version: string, port: number, headed: boolean,
 *   software: boolean}} absolute paths; `version` is the one that began the run, `finished` that there is nothing to do
 * @throws Failure
 */
export function readPlan(flags) {
  if (flags.resume !== undefined) return readResumed(flags);
  return {
    ...readCommon(flags),
    data: readFolder('data', flags.data),
    model: readModel(flags.model),
    adapter: readAdapter(flags.adapter),
    seed: flags.seed === undefined ? null : readInteger('seed', flags.seed, 0, Number.MAX_SAFE_INTEGER),
    software: Boolean(flags.software),
    resumed: false,
    finished: false,
    version: ownVersion(),
    out: makeOutput(flags.out),
  };
}
