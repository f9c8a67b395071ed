// OUT/run.json: what `--resume OUT` needs beside the run file. Paths in it are absolute: the data rarely lies beside
// the results, and one that was moved is named with the flag that corrects it.

import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { replaceFile } from './atomicFile.mjs';

/** The checkpoint with the run's record and log, as the page exports it. */
export const RUN_FILE = 'run.safetensors';
export const RUN_RECORD = 'run.json';
const FORMAT = 1;
const STATES = ['running', 'stopped', 'failed', 'finished'];
const FOLDERS = ['data', 'model', 'adapter'];

/**
 * @typedef {object} RunRecord
 * @property {'running' | 'stopped' | 'failed' | 'finished'} state `running` also after the runner was killed
 * @property {string | null} data absolute path; null for the demo's
 * @property {string | null} model absolute path; null for the demo's
 * @property {string | null} adapter absolute path of the adapter that the run began with; not needed to go on
 * @property {number} seed
 * @property {boolean} software software WebGPU was asked for
 * @property {string} version of Lorikeet, when the run began
 */

/** The version of this Lorikeet. */
export function ownVersion() {
  return JSON.parse(readFileSync(inRepository('package.json'), 'utf8')).version;
}

function problemOf(value) {
  if (typeof value !== 'object' || value === null) return 'expected an object';
  if (value.format > FORMAT) return `format ${value.format} is of a newer Lorikeet; this one reads ${FORMAT}`;
  if (value.format !== FORMAT) return `format: expected ${FORMAT}, found ${value.format}`;
  if (!STATES.includes(value.state)) return `state: expected one of ${STATES.join(', ')}, found ${value.state}`;
  if (!Number.isSafeInteger(value.seed) || value.seed < 0) return `seed: expected a whole number, found ${value.seed}`;
  const wrong = FOLDERS.find((name) => value[name] !== null && typeof value[name] !== 'string');
  return wrong === undefined ? null : `${wrong}: expected a path or null, found ${value[wrong]}`;
}

/**
 * Reads a folder's run.json.
 * @returns {RunRecord | null} null when there is none
 * @throws Failure when it cannot be used
 */
export function readRunRecord(folder) {
  const path = join(folder, RUN_RECORD);
  if (!existsSync(path)) return null;
  let value;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Failure(`${path}: ${error.message}`, `${RUN_FILE} beside it can still be opened in the page's History.`);
  }
  const problem = problemOf(value);
  if (problem !== null) throw new Failure(`${path}: ${problem}`);
  const { state, data, model, adapter, seed, software, version } = value;
  return { state, data, model, adapter, seed, software: software === true, version: String(version) };
}

/** Writes a folder's run.json. @param {RunRecord} record */
export function writeRunRecord(folder, record) {
  const text = `${JSON.stringify({ format: FORMAT, ...record }, null, 2)}\n`;
  return replaceFile(join(folder, RUN_RECORD), (part) => writeFile(part, text));
}

/** Whether a folder holds a run file. */
export function hasRunFile(folder) {
  return existsSync(join(folder, RUN_FILE));
}
