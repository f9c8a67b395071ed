// What a training run was asked to do: the flags, checked before anything slow starts.

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readInteger } from '../launcher/arguments.mjs';
import { hubHostOption, readHubHost } from '../launcher/hubHost.mjs';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { resumeCommand } from './command.mjs';
import { readAdapter, readData, readFolder, readModel, readRecipe, userPath } from './inputs.mjs';
import { HUB_PORT, readHubName } from './hubModel.mjs';
import { hasResults, isOfRun } from './outputs.mjs';
import { hasRunFile, ownVersion, readRunRecord, RUN_FILE, RUN_RECORD } from './runRecord.mjs';

export const options = {
  data: {
    type: 'string',
    value: 'PATH',
    about: 'folder or zip with the JSONL files and their images (default: the demo)',
  },
  model: {
    type: 'string',
    value: 'DIR|ID',
    about: 'Qwen2.5-VL model: a folder, or owner/name[@revision] of the hub (default: the demo model)',
  },
  adapter: {
    type: 'string',
    value: 'DIR',
    about: 'PEFT adapter to start from: adapter_config.json, adapter_model.safetensors (default: a new one)',
  },
  recipe: { type: 'string', value: 'FILE', about: 'settings as JSON, in the names of TRL (default: the demo recipe)' },
  out: { type: 'string', value: 'DIR', about: 'where the results go (default: runs/TIME)' },
  overwrite: { type: 'boolean', about: 'start although --out holds a run; that one moves to previous/ there' },
  resume: {
    type: 'string',
    value: 'DIR',
    about: 'goes on with the unfinished run whose results are there; --data, --model: where those are now',
  },
  seed: { type: 'string', value: 'N', about: "random seed (default: the recipe's, else 0)" },
  'gpu-memory': { type: 'string', value: 'GB', about: 'GPU memory that the run may reckon with (default: 8)' },
  port: {
    type: 'string',
    value: 'N',
    about: `port to serve on (default: a free one; ${HUB_PORT} for a model of the hub)`,
  },
  'hub-host': hubHostOption,
  plan: {
    type: 'boolean',
    about:
      'say what the run would take of GPU, memory and storage and, from a step that is measured, of time; exit code 1: it does not fit',
  },
  headed: { type: 'boolean', about: 'show the browser window' },
  software: { type: 'boolean', about: 'use software WebGPU even where there is a GPU' },
  verbose: { type: 'boolean', about: 'after every step its seconds by part, GPU memory by owner and submissions' },
};

/** Beyond what any adapter has. */
const MOST_GIGABYTES = 1024;

/** Flags that would make another run of a resumed one, and what to do instead. */
const NOT_WITH_RESUME = {
  seed: 'A run keeps its seed.',
  'gpu-memory': 'A run keeps what it decided from the memory that it began with.',
  adapter: 'The run file holds the adapter as it was trained so far.',
  out: 'A resumed run writes its results where the earlier ones are.',
  overwrite: 'A resumed run goes on with what is there.',
  plan: 'It has been planned when it began.',
};

/** Reads a flag that may be left out; null then. */
function optional(value, read) {
  return value === undefined ? null : read(value);
}

/** An earlier run is worth more than the folder's name: it stays as it is unless the user says otherwise. */
function refuseEarlierRun(folder) {
  const record = readRunRecord(folder);
  const others = 'give another --out, or --overwrite: then it moves to previous/ there once the new run has results.';
  if (record?.state === 'finished') {
    throw new Failure(`${folder} holds a finished run, which stays as it is.`, `For another run ${others}`);
  }
  if (record !== null && hasRunFile(folder)) {
    throw new Failure(`${folder} holds an unfinished run.`, `Go on with it (${resumeCommand(folder)}), ${others}`);
  }
  if (hasResults(folder)) {
    const what = `${RUN_FILE}, adapter/ or summary.json`;
    throw new Failure(
      `${folder} holds results of a run (${what}), which stay as they are.`,
      `For another run ${others}`,
    );
  }
}

/** What the run reads would move away under it, and be another thing when it goes on. */
function refuseMoving(folder, inputs) {
  for (const [flag, given] of Object.entries(inputs)) {
    if (given === null || given.hub || !isOfRun(folder, given.path)) continue;
    throw new Failure(`--${flag} ${given.path} is among the results in --out ${folder}.`, 'Give another --out.');
  }
}

function makeOutput(path, overwrite, inputs) {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const folder = path === undefined ? inRepository('runs', stamp) : userPath(path);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Failure(`--out ${path ?? folder}: ${error.message}`);
  }
  refuseMoving(folder, inputs);
  if (!overwrite) refuseEarlierRun(folder);
  return folder;
}

function readCommon(flags) {
  return {
    recipe: optional(flags.recipe, readRecipe),
    port: flags.port === undefined ? null : readInteger('port', flags.port, 1, 65535),
    hubHost: optional(flags['hub-host'], readHubHost),
    headed: Boolean(flags.headed),
    verbose: Boolean(flags.verbose),
  };
}

/** What a recorded path holds now: the flag's, else the recorded one if it is still there. */
function recorded(flag, value, path, read, out) {
  if (value !== undefined) return read(value);
  if (path === null) return null;
  // Another run may have a folder of that name by now: a name on the hub stays one.
  if (flag === 'model' && readHubName(path) !== null) return { path, files: [], hub: readHubName(path) };
  if (existsSync(path)) return read(path);
  throw new Failure(
    `the run's ${flag} is not there any more: ${path} (named in ${join(out, RUN_RECORD)})`,
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
  const plan = {
    ...readCommon(flags),
    ...record,
    out,
    planOnly: false,
    resumed: true,
    finished: record.state === 'finished',
  };
  // Another adapter of the machine would not repeat the run's bits.
  plan.software ||= Boolean(flags.software);
  // Of a finished run nothing is needed any more; the adapter that a run began with is in its run file.
  if (plan.finished) return { ...plan, data: null, model: null, adapter: null };
  return {
    ...plan,
    data: recorded('data', flags.data, record.data, readData, out),
    model: recorded('model', flags.model, record.model, readModel, out),
    adapter: record.adapter === null ? null : { path: record.adapter, files: [] },
  };
}

/**
 * @typedef {object} Plan
 * @property {import('./inputs.mjs').Given | null} data null: the demo's
 * @property {import('./inputs.mjs').Given | null} model null: the demo's
 * @property {import('./inputs.mjs').Given | null} adapter null: a new one
 * @property {string | null} recipe JSON text; null: the demo's, or that of the run that goes on
 * @property {boolean} planOnly nothing is started
 * @property {string | null} out absolute path; null: nothing is written
 * @property {boolean} resumed the run goes on with what is in `out`
 * @property {boolean} finished there is nothing to do
 * @property {number | null} seed null: the recipe's, else 0
 * @property {number | null} gpuMemory in GB; null: the page's default, or what the run that goes on began with
 * @property {string} version of Lorikeet that began the run
 * @property {number | null} port null: a free one, or that of models of the hub
 * @property {import('../launcher/hubHost.mjs').Hub | null} hubHost another hub than Hugging Face's own
 * @property {boolean} headed
 * @property {boolean} software
 * @property {boolean} verbose
 */

/**
 * Checks the flags and makes the output folder.
 * @param {Record<string, string | boolean | undefined>} flags
 * @returns {Plan}
 * @throws Failure
 */
export function readPlan(flags) {
  if (flags.resume !== undefined) return readResumed(flags);
  const inputs = {
    data: optional(flags.data, readData),
    model: optional(flags.model, readModel),
    adapter: optional(flags.adapter, readAdapter),
  };
  return {
    ...readCommon(flags),
    ...inputs,
    seed: flags.seed === undefined ? null : readInteger('seed', flags.seed, 0, Number.MAX_SAFE_INTEGER),
    gpuMemory: optional(flags['gpu-memory'], (text) => readInteger('gpu-memory', text, 1, MOST_GIGABYTES)),
    software: Boolean(flags.software),
    resumed: false,
    finished: false,
    version: ownVersion(),
    planOnly: Boolean(flags.plan),
    out: flags.plan ? null : makeOutput(flags.out, Boolean(flags.overwrite), inputs),
  };
}
