// `npm run bench`: times the whole job, as `npm run train` does it, and prints medians by phase.

import { readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { readInteger } from '../launcher/arguments.mjs';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import * as train from '../train/train.mjs';

export const options = {
  runs: { type: 'string', value: 'N', about: 'how many runs, each with its own seed (default 3)' },
  recipe: train.options.recipe,
  software: train.options.software,
};

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function timeOnce(flags, seed) {
  const out = inRepository('runs', `bench-${seed}`);
  // An interrupted bench leaves an unfinished run, which train would not write over.
  rmSync(out, { recursive: true, force: true });
  const code = await train.run({ recipe: flags.recipe, software: flags.software, seed: String(seed), out });
  if (code !== 0) throw new Failure(`run ${seed} ended with code ${code}.`);
  return JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
}

function report(summaries) {
  const phases = Object.keys(summaries[0].seconds);
  const lines = phases.map((phase) => {
    const seconds = summaries.map((summary) => summary.seconds[phase] ?? 0);
    return `  ${phase.padEnd(12)}${median(seconds).toFixed(1).padStart(8)} s  (${seconds.map((value) => value.toFixed(1)).join(', ')})`;
  });
  const rate = median(summaries.map((summary) => summary.matmulGflops));
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`;
  const head = `Medians of ${summaries.length} runs on ${machine}, nothing warmed up:`;
  return [head, ...lines, `  512 cubed product, f32: ${rate.toFixed(2)} GFLOP/s`].join('\n');
}

/**
 * @param {{runs?: string, recipe?: string, software?: boolean}} flags
 * @returns {Promise<number>} exit code
 */
export async function run(flags) {
  const count = flags.runs === undefined ? 3 : readInteger('runs', flags.runs, 1, 100);
  const summaries = [];
  for (let seed = 1; seed <= count; seed++) summaries.push(await timeOnce(flags, seed));
  process.stdout.write(`\n${report(summaries)}\n`);
  return 0;
}
