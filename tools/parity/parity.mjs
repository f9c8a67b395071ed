// `npm run test:parity`: real runs of TRL on the CPU, and our loops beside them on the same model and rows.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { judgeRun, worstOf } from './judge.mjs';
import { runPage } from './page.mjs';
import { makeTrlRuns } from './python.mjs';
import { figuresText, runText } from './table.mjs';

export const options = {
  python: { type: 'string', value: 'PATH', about: 'a Python with the packages of tools/parity/requirements.txt' },
  trl: { type: 'string', value: 'DIR', about: 'compare with the runs in DIR, made earlier, and run no Python' },
  software: { type: 'boolean', about: 'use software WebGPU even where there is a GPU' },
};

function earlierRuns(word) {
  const folder = resolve(process.env.INIT_CWD ?? '.', word);
  if (!existsSync(join(folder, 'parity.json'))) {
    throw new Failure(`${folder} has no parity.json.`, 'A folder written by tools/parity/run_trl.py is expected.');
  }
  return { folder, noise: {} };
}

/**
 * @param {{python?: string, trl?: string, software?: boolean}} flags
 * @returns {Promise<number>} 0 when every run stays within the bounds
 */
export async function run({ python, trl, software = false }) {
  const { folder, noise } = trl === undefined ? await makeTrlRuns(python) : earlierRuns(trl);
  const judgements = [];
  await runPage(folder, software, (result) => {
    const judgement = judgeRun(result);
    judgements.push(judgement);
    process.stdout.write(`${runText(result, judgement, noise[result.name])}\n`);
  });
  const failed = judgements.filter(({ failures }) => failures.length > 0).length;
  process.stdout.write(`worst relative difference: ${figuresText(worstOf(judgements.map(({ worst }) => worst)))}\n`);
  if (failed > 0) process.stdout.write(`${failed} of ${judgements.length} runs beyond the bounds\n`);
  return failed === 0 && judgements.length > 0 ? 0 : 1;
}
