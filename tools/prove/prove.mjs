// `npm run prove`: trains one step of each kind on a model in headless Chromium, and measures what the browser's processes
// hold meanwhile. For models too large to be part of the tests.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { userPath } from '../train/inputs.mjs';
import * as train from '../train/train.mjs';
import { measureRun } from './measure.mjs';
import { comparison, comparisonTable, grpoWithoutGradient } from './planned.mjs';
import { growth, timelineTable } from './timeline.mjs';
import { writeTrial } from './trial.mjs';

export const options = {
  model: { ...train.options.model, about: 'folder of the model; npm run make:synthetic makes one of the real size' },
  data: { ...train.options.data, about: 'as for npm run train (default: one row with a picture of 16 tokens)' },
  recipe: { ...train.options.recipe, about: 'as for npm run train (default: one step of SFT, one of GRPO)' },
  out: {
    ...train.options.out,
    about: 'a new or empty folder for the report and the results (default: runs/prove-TIME)',
  },
  software: train.options.software,
};

const KINDS = ['renderer', 'gpu'];
/** The most that the page's process may grow while weights are read, whatever the model. */
const LOAD_LIMIT_BYTES = 512e6;

const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;

/** Bytes that the page's process grows by while weights are read. */
const loadingGrowth = (result) => growth(result, 'renderer', { loading: true });

function report({ result, leastAvailable, events, plan }) {
  return [
    '',
    timelineTable(result, KINDS),
    '',
    ...(plan ? [comparisonTable(comparison(plan, result, events)), ''] : []),
    `  Start: renderer ${gigabytes(result.baseline.renderer ?? 0)}, GPU process ${gigabytes(result.baseline.gpu ?? 0)}`,
    `  renderer while loading: ${gigabytes(loadingGrowth(result))} above Start (at most ${gigabytes(LOAD_LIMIT_BYTES)})`,
    `  renderer at most: ${gigabytes(growth(result, 'renderer'))} above Start`,
    `  GPU process at most: ${gigabytes(growth(result, 'gpu'))} above Start`,
    `  the machine had at least ${gigabytes(leastAvailable)} left`,
    ...(grpoWithoutGradient(events) ? ['  GRPO had no gradient: its grad_norm is 0'] : []),
    '',
  ].join('\n');
}

function outputFolder(path) {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const folder = path === undefined ? inRepository('runs', `prove-${stamp}`) : userPath(path);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * @param {Record<string, string | boolean | undefined>} flags
 * @returns {Promise<number>} 0 when the run finished within the limit and GRPO had a gradient, else 1; or the run's exit code
 */
export async function run(flags) {
  if (!flags.model) throw new Failure('--model is missing: the folder of the model to prove.');
  const out = outputFolder(flags.out);
  const trial = writeTrial(out);
  const own = { model: flags.model, software: flags.software, out: join(out, 'run') };
  const files = { data: flags.data ?? trial.data, recipe: flags.recipe ?? trial.recipe };
  let kept = true;
  const onEnd = (measured) => {
    const { result, leastAvailable, events, plan } = measured;
    kept = loadingGrowth(result) <= LOAD_LIMIT_BYTES && !grpoWithoutGradient(events);
    const proof = { ...result, leastAvailable, plan, events };
    writeFileSync(join(out, 'proof.json'), `${JSON.stringify(proof, null, 2)}\n`);
    process.stdout.write(report(measured));
  };
  const code = await measureRun({ ...own, ...files }, onEnd, { plans: true });
  return code === 0 && !kept ? 1 : code;
}
