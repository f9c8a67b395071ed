// `npm run test:lavapipe`: tests of kernels in Node, with Dawn on Mesa's software adapter.

import { ensurePackages } from '../launcher/packages.mjs';
import { REPOSITORY, inRepository, packageBin } from '../launcher/paths.mjs';
import { runProgram } from '../launcher/processes.mjs';
import { ensureDawn } from '../mesa/dawn.mjs';
import { ensureMesa } from '../mesa/mesa.mjs';

export const options = {
  positional: 'FILE...',
};

/** Another adapter than what is fetched: as the environment says. */
async function lavapipeEnvironment() {
  return process.env.VK_ICD_FILENAMES ? {} : (await ensureMesa()).lavapipe;
}

/**
 * @param {{positional: string[]}} flags parts of the test files' paths; by default all
 * @returns {Promise<number>} vitest's exit code
 */
export async function run({ positional: files }) {
  await ensurePackages();
  const adapter = await lavapipeEnvironment();
  const env = { ...process.env, ...adapter, LORIKEET_DAWN: await ensureDawn() };
  const config = inRepository('tools', 'lavapipe', 'vitest.config.mjs');
  const args = [packageBin('vitest', 'vitest.mjs'), 'run', '--config', config, ...files];
  return runProgram(process.execPath, args, { cwd: REPOSITORY, env });
}
