// `npm run dev`: Vite's server on the sources, with hot reload and the page's security headers.

import { readInteger } from './arguments.mjs';
import { ensurePackages } from './packages.mjs';
import { REPOSITORY, packageBin } from './paths.mjs';
import { runProgram } from './processes.mjs';

export const options = {
  port: { type: 'string', value: 'N', about: 'port to serve on (default 5176); data is kept per port' },
};

/**
 * @param {{port?: string}} flags
 * @returns {Promise<number>} Vite's exit code
 */
export async function run(flags) {
  const port = flags.port === undefined ? [] : ['--port', String(readInteger('port', flags.port, 1, 65535))];
  await ensurePackages();
  return runProgram(process.execPath, [packageBin('vite', 'bin', 'vite.js'), ...port], { cwd: REPOSITORY });
}
