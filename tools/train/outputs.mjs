// A run's files in the output folder: where each has its place, fetching them, and making room for those of a new run.

import { existsSync, realpathSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { downloadTo } from './download.mjs';
import { readRunRecord, RUN_FILE, RUN_RECORD } from './runRecord.mjs';

/** Artifact names of the page and where they go. */
const PLACES = {
  'adapter_config.json': 'adapter/adapter_config.json',
  'adapter_model.safetensors': 'adapter/adapter_model.safetensors',
  'metrics.csv': 'metrics.csv',
  'completions.jsonl': 'completions.jsonl',
  'charts.png': 'charts.png',
  'summary.json': 'summary.json',
  'case.json': 'check/case.json',
  'case.safetensors': 'check/case.safetensors',
};

/** What can be drawn or measured again from the rest, or is not there without validation rows. */
const DISPENSABLE = ['charts.png', 'case.json', 'case.safetensors'];

/** Everything of one run in its folder; nothing else there is ever touched. */
const RUN_ENTRIES = [RUN_RECORD, RUN_FILE, ...new Set(Object.values(PLACES).map((place) => place.split('/')[0]))];
/** What a run was made for: its adapter, its summary, or the checkpoint that it can go on from. */
const RESULTS = [RUN_FILE, 'adapter', 'summary.json'];

/** Holds the run that was in the folder before; further ones get a number. */
const PREVIOUS = 'previous';

/**
 * Saves every file that the page can give, each as a whole.
 * @param {object} session of openSession @param {string} folder absolute path
 * @returns {Promise<{written: string[], notes: string[],
 *   missing: {place: string, message: string, needed: boolean}[]}>} paths inside the folder; `notes` say what a written
 *   file lacks; `message` is the reason, `needed` whether the run is not whole without the file
 */
export async function saveOutputs(session, folder) {
  const written = [];
  const notes = [];
  const missing = [];
  for (const [name, place] of Object.entries(PLACES)) {
    try {
      const note = await downloadTo(session, join(folder, place), { name, call: ['artifact', name] });
      written.push(place);
      if (note !== null) notes.push(note);
    } catch (error) {
      // Its notices have said why the run has none.
      if (DISPENSABLE.includes(name) && error.code === 'artifact.missing') continue;
      missing.push({ place, message: error.message, needed: !DISPENSABLE.includes(name) });
    }
  }
  return { written, notes, missing };
}

/** Replaces the folder's run file by the run as the page stores it now. @param {() => Promise<void>} ready see downloadTo */
export function saveRunFile(session, folder, ready) {
  return downloadTo(session, join(folder, RUN_FILE), { name: RUN_FILE, call: ['runFile'], ready });
}

/** Whether a folder holds what an earlier run was made for. */
export function hasResults(folder) {
  return RESULTS.some((name) => existsSync(join(folder, name)));
}

/** Whether a path that exists lies in what `setAside` would move or remove. @param {string} folder absolute, exists */
export function isOfRun(folder, path) {
  return RUN_ENTRIES.includes(relative(realpathSync(folder), realpathSync(path)).split(sep)[0]);
}

/** Whether a folder's run.json is one of ours. */
function hasRecord(folder) {
  try {
    return readRunRecord(folder) !== null;
  } catch {
    return false;
  }
}

/** The first of `previous`, `previous-2`, ... that is free: what an earlier one holds is nobody's to remove. */
function freePrevious(folder) {
  for (let number = 1; ; number++) {
    const path = join(folder, number === 1 ? PREVIOUS : `${PREVIOUS}-${number}`);
    if (!existsSync(path)) return path;
  }
}

/**
 * Makes room for a new run: what is in the way moves to the first free one of `previous`, `previous-2`, ... Only what a
 * run of ours left that had no results yet is removed. May be repeated after a crash at any moment.
 * @param {string} folder absolute path
 * @returns {Promise<string | null>} absolute path of where it is now; null when nothing was moved
 */
export async function setAside(folder) {
  const moving = join(folder, `${PREVIOUS}.part`);
  const entries = RUN_ENTRIES.filter((name) => existsSync(join(folder, name)));
  const halfMoved = existsSync(moving);
  if (!halfMoved && entries.length === 0) return null;
  if (!halfMoved && !hasResults(folder) && hasRecord(folder)) {
    // The record goes last: it tells that the others are ours.
    for (const name of entries.toReversed()) await rm(join(folder, name), { recursive: true });
    return null;
  }
  await mkdir(moving, { recursive: true });
  for (const name of entries) await rename(join(folder, name), join(moving, name));
  const place = freePrevious(folder);
  await rename(moving, place);
  return place;
}
