// Gives the page what a run needs: model, adapter, recipe, seed and data, or the run file of a run that goes on.

import { basename, join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { userPath } from './inputs.mjs';
import { RUN_FILE } from './runRecord.mjs';
import { pageFailure } from './session.mjs';

/** The page lists so many of a kind and file at most. */
function showProblems(display, problems) {
  for (const { level, file, line, message, code } of problems) {
    display.line(`  ${level}: ${file}${line ? `:${line}` : ''}: ${message} (${code})`);
  }
}

/** Shows what an import brought. @throws Failure when nothing of it is usable */
export function showData(display, { type, info, error, problems }) {
  showProblems(display, problems ?? info?.problems ?? []);
  if (type === 'datasetFailed') throw pageFailure(error);
  const { name, trainRows, valRows, images } = info;
  display.line(`Data: ${name}, ${trainRows} training rows, ${valRows} validation rows, ${images} images`);
}

/** Lets the page import files; shows what it found. @throws Failure when nothing of it is usable */
async function giveData(session, display, { files }) {
  const outcome = session.next(['dataset', 'datasetFailed'], (message) => !message.bundled);
  const [message] = await Promise.all([outcome, session.give(files, 'importData')]);
  showData(display, message);
}

/** The folder that a name would be, and that is not there; null for a name with a revision, which is the hub's alone. */
function missingFolder({ path }) {
  return path.includes('@') ? null : userPath(path);
}

/** A name that the hub does not have may be a folder that was mistyped. */
function orFolder(error, folder) {
  if (!(error instanceof Failure) || error.code !== 'hub.missing' || folder === null) return error;
  return new Failure(`${error.message}\n  There is no folder ${folder} either.`, error.hint, error.code);
}

/**
 * Lets the page fetch a model of the hub, or find it stored; the plan names its commit from then on.
 * @param {import('./inputs.mjs').Given} model @throws Failure
 */
export async function fetchModel(session, display, model) {
  session.messages.on('download', display.download);
  session.messages.on('lookedUp', ({ line }) => display.line(`Model: ${line}`));
  const { id, revision } = model.hub;
  const folder = missingFolder(model);
  if (folder !== null) display.line(`Model: no folder ${folder}; asking the hub for ${id}`);
  const { key, note } = await session.call('setHubModel', id, revision).catch((error) => {
    throw orFolder(error, folder);
  });
  if (note !== null) display.line(`  warning: ${note}`);
  model.path = key;
}

async function setOptions(session, display, plan) {
  if (plan.recipe !== null) {
    for (const note of await session.call('setRecipe', plan.recipe)) display.line(`  recipe: ${note}`);
  }
  // After the recipe, which may name a seed itself.
  if (plan.seed !== null) await session.call('setSeed', plan.seed);
  if (plan.gpuMemory !== null) await session.call('setGpuMemory', plan.gpuMemory);
}

/**
 * What a run must be made of, for the page to hold against what it has: nothing that was named may be replaced by a
 * default. @param {import('./plan.mjs').Plan} plan @returns what `start` and `continueRun` of the page take
 */
export function wantedOf({ model, data, adapter, resumed }) {
  const source = (given) => (given === null ? 'bundled' : given.hub ? 'stored' : 'files');
  // A run that goes on has its adapter in the run file.
  return { model: source(model), data: source(data), adapter: !resumed && adapter !== null };
}

/**
 * Sets the page up for a plan; afterwards `start` or `continueRun` may be called.
 * @param {object} session of openSession @param {object} display of createDisplay
 * @param {import('./plan.mjs').Plan} plan
 * @throws Failure with the page's message
 */
export async function setUp(session, display, plan) {
  session.messages.on('importProgress', display.importing);
  // Without data the page imports the demo when the run starts; a failed import then fails the start.
  if (!plan.data) session.messages.on('dataset', (message) => showData(display, message));
  // Model, recipe and seed first: the import splits the rows and counts tokens with them.
  if (plan.model?.hub) await fetchModel(session, display, plan.model);
  else if (plan.model) await session.give(plan.model.files, 'setModel', basename(plan.model.path));
  if (plan.resumed) await session.give([{ name: RUN_FILE, path: join(plan.out, RUN_FILE) }], 'openRun');
  else {
    if (plan.adapter) await session.give(plan.adapter.files, 'setAdapter', basename(plan.adapter.path));
    await setOptions(session, display, plan);
  }
  if (plan.data) await giveData(session, display, plan.data);
}
