// `npm run verify -- DIR`: checks the implementation, in the browser, against a folder of reference numbers.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chooseAdapter } from '../launcher/adapter.mjs';
import { VERIFY_DIST } from '../launcher/build.mjs';
import { Failure } from '../launcher/failure.mjs';
import { openHeadless } from '../launcher/headless.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { preparePage } from '../launcher/prepare.mjs';
import { startServer } from '../launcher/server.mjs';

export const options = {
  positional: 'DIR',
  only: { type: 'string', value: 'TEXT', about: 'only cases whose id contains TEXT' },
  variant: { type: 'string', value: 'NAME', about: 'kernels to run: gpu or software; without it the adapter decides' },
  software: { type: 'boolean', about: 'use software WebGPU even where there is a GPU' },
};

/** Families of kernels; any adapter runs both. */
const VARIANTS = ['gpu', 'software'];

function folderOf(word) {
  if (word === undefined) throw new Failure('which folder?', 'npm run verify -- DIR, e.g. e2e/reference');
  const folder = resolve(process.env.INIT_CWD ?? '.', word);
  if (!existsSync(join(folder, 'manifest.json'))) {
    throw new Failure(`${folder} has no manifest.json.`, 'A folder made by the reference generator is expected.');
  }
  return folder;
}

/** Prints each line of the page as it comes; resolves with the exit code after the last. */
async function follow(page) {
  let finish;
  const finished = new Promise((done) => (finish = done));
  await page.exposeBinding('lorikeetHost', (_, { line, message }) => {
    process.stdout.write(`${line}\n`);
    if (message.type === 'error') finish(1);
    if (message.type === 'done') finish(message.failed === 0 && message.passed > 0 ? 0 : 1);
  });
  return { finished };
}

async function checkIn(browser, origin, asked) {
  const { finished } = await follow(browser.page);
  browser.page.on('pageerror', (error) => process.stderr.write(`page: ${error.message}\n`));
  await browser.page.goto(`${origin}/verify.html?${new URLSearchParams(asked)}`);
  return Promise.race([finished, browser.failed]);
}

/**
 * @param {{positional?: string, only?: string, variant?: string, software?: boolean}} flags
 * @returns {Promise<number>} 0 when every check passed
 */
export async function run(flags) {
  const { only = '', variant } = flags;
  if (variant !== undefined && !VARIANTS.includes(variant)) {
    throw new Failure(`--variant ${variant}: expected ${VARIANTS.join(' or ')}`);
  }
  const folder = folderOf(flags.positional);
  const executablePath = await preparePage('verify');
  // The sentence encoder is no part of this build: it lies where the app has it from.
  const mounts = { '/reference/': folder, '/models/': inRepository('public', 'models') };
  const server = await startServer({ root: VERIFY_DIST, mounts });
  try {
    const adapter = flags.software ? 'software' : await chooseAdapter(executablePath, server.origin);
    const where = adapter === 'gpu' ? 'on the GPU' : 'software WebGPU';
    const kernels = variant === undefined ? '' : `, ${variant} kernels`;
    process.stdout.write(`Checking ${folder} in the browser, ${where}${kernels}\n`);
    const browser = await openHeadless({ executablePath, adapter });
    try {
      return await checkIn(browser, server.origin, { only, ...(variant !== undefined && { variant }) });
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}
