// `npm run bench`: times the whole job, as `npm run train` does it, alone or side by side with another revision.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { readInteger } from '../launcher/arguments.mjs';
import { Failure } from '../launcher/failure.mjs';
import { REPOSITORY, inRepository } from '../launcher/paths.mjs';
import { captureProgram } from '../launcher/processes.mjs';
import * as train from '../train/train.mjs';
import { GROWTH_NAMES, measureGrowth } from './growth.mjs';
import { comparison, report } from './report.mjs';
import { checkOutRevision } from './revision.mjs';

export const options = {
  runs: {
    type: 'string',
    value: 'N',
    about: 'how many runs (pairs with --against), each with its own seed (default 3)',
  },
  against: { type: 'string', value: 'REV', about: 'runs a commit in turn with this tree and prints the ratio' },
  growth: {
    type: 'string',
    value: 'WHAT',
    about: `how a run grows with its size instead: ${GROWTH_NAMES.join(', ')} (some minutes each)`,
  },
  recipe: train.options.recipe,
  software: train.options.software,
};

/** One run of the program in `root`; its summary. Every run is a process of its own, so that none is warmer. */
async function timeOnce({ root, name }, flags, seed) {
  const out = inRepository('runs', `bench-${name}-${seed}`);
  // An interrupted bench leaves an unfinished run, which train would not write over.
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const args = [join(root, 'tools', 'run.mjs'), 'train', '--seed', String(seed), '--out', out];
  if (flags.recipe) args.push('--recipe', flags.recipe);
  if (flags.software) args.push('--software');
  // What --recipe is relative to, also without npm.
  const env = { ...process.env, INIT_CWD: process.env.INIT_CWD ?? process.cwd() };
  const { code, output } = await captureProgram(process.execPath, args, { cwd: root, env });
  if (code !== 0) throw new Failure(`run ${seed} of ${name} ended with code ${code}:\n${output.slice(-2000)}`);
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
  process.stdout.write(`  seed ${seed}, ${name}: ${summary.seconds.total.toFixed(1)} s\n`);
  return summary;
}

/** Times programs in turn; every other round starts with the last, since the first of a round may find a cooler machine. */
async function timeInTurn(programs, flags, count) {
  const summaries = programs.map(() => []);
  for (let seed = 1; seed <= count; seed++) {
    const order = programs.map((_, i) => i);
    if (seed % 2 === 0) order.reverse();
    for (const i of order) summaries[i].push(await timeOnce(programs[i], flags, seed));
  }
  return summaries;
}

/**
 * @param {{runs?: string, against?: string, growth?: string, recipe?: string, software?: boolean}} flags
 * @returns {Promise<number>} exit code
 */
export async function run(flags) {
  if (flags.growth !== undefined) {
    if (GROWTH_NAMES.includes(flags.growth)) return measureGrowth(flags.growth);
    throw new Failure(`--growth ${flags.growth}: expected one of ${GROWTH_NAMES.join(', ')}.`);
  }
  const count = flags.runs === undefined ? 3 : readInteger('runs', flags.runs, 1, 100);
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`;
  const here = { root: REPOSITORY, name: 'this' };
  if (flags.against === undefined) {
    const [summaries] = await timeInTurn([here], flags, count);
    process.stdout.write(`\n${report(summaries, machine)}\n`);
    return 0;
  }
  const other = await checkOutRevision(flags.against);
  try {
    const [before, now] = await timeInTurn([{ root: other.folder, name: other.commit }, here], flags, count);
    process.stdout.write(`\n${comparison(before, now, { name: other.commit, machine })}\n`);
  } finally {
    await other.remove();
  }
  return 0;
}
