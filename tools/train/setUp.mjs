// Gives the page what a run needs: model, adapter, recipe, seed and data, or the run file of a run that goes on.

import { basename, join } from 'node:path';
import { openRunFile } from './runFile.mjs';
import { FILES_INPUT, pageFailure } from './session.mjs';

const SHOWN_PROBLEMS = 20;

function showProblems(display, problems) {
  for (const { level, file, line, message } of problems.slice(0, SHOWN_PROBLEMS)) {
    display.line(`  ${level}: ${file}${line ? `:${line}` : ''}: ${message}`);
  }
  const more = problems.length - SHOWN_PROBLEMS;
  if (more > 0) display.line(`  and ${more} more`);
}

/** Gives the page a folder as its picker would; answers with the import's result. */
async function pickData(session, folder) {
  const outcome = session.next(['dataset', 'datasetFailed'], (message) => !message.bundled);
  const [message] = await Promise.all([outcome, session.until(session.page.setInputFiles('#pick-folder', folder))]);
  return message;
}

function showData(display, { type, info, error, problems }) {
  showProblems(display, problems ?? info?.problems ?? []);
  if (type === 'datasetFailed') throw pageFailure(error);
  const { name, trainRows, valRows, images } = info;
  display.line(`Data: ${name}, ${trainRows} training rows, ${valRows} validation rows, ${images} images`);
}

async function giveAdapter(session, folder) {
  const files = ['adapter_config.json', 'adapter_model.safetensors'].map((name) => join(folder, name));
  await session.until(session.page.setInputFiles(FILES_INPUT, files));
  await session.call('setAdapter', basename(folder));
}

async function setRecipe(session, display, plan) {
  if (plan.recipe !== null) {
    for (const note of await session.call('setRecipe', plan.recipe)) display.line(`  recipe: ${note}`);
  }
  // After the recipe, which may name a seed itself.
  if (plan.seed !== null) await session.call('setSeed', plan.seed);
}

/**
 * Sets the page up for a plan; afterwards `start` or `continueRun` may be called.
 * @param {object} session of openSession @param {object} display of createDisplay @param {object} plan of readPlan
 * @throws Failure with the page's message
 */
export async function setUp(session, display, plan) {
  // Without a folder the page imports the demo when the run starts; a failed import then fails the start.
  if (!plan.data) session.messages.on('dataset', (message) => showData(display, message));
  // Model, recipe and seed first: the import splits the rows and counts tokens with them.
  if (plan.model) await session.until(session.page.setInputFiles('#pick-model', plan.model));
  if (plan.resumed) await openRunFile(session, plan.out);
  else {
    if (plan.adapter) await giveAdapter(session, plan.adapter);
    await setRecipe(session, display, plan);
  }
  if (plan.data) showData(display, await pickData(session, plan.data));
}
