// Gets a browser onto a machine that has none: Debian's chromium where apt may install, else Playwright's download.

import { BROWSER_NEEDED } from '../../src/base/minimumBrowser.mjs';
import { findBrowser, findProgram } from './browser.mjs';
import { debianVersion } from './debian.mjs';
import { Failure } from './failure.mjs';
import { THIS_MACHINE } from './machine.mjs';
import { REPOSITORY, packageBin } from './paths.mjs';
import { runProgram, succeeds } from './processes.mjs';

const ADVICE =
  `Install ${BROWSER_NEEDED}: \`sudo apt-get install chromium\` on Debian, https://www.google.com/chrome elsewhere; ` +
  'or set LORIKEET_BROWSER to the program of one you have.';

/** Words to put before a command that needs root, or null when this user may not become root without a password. */
function rootPrefix() {
  if (THIS_MACHINE.isRoot) return [];
  return findProgram(['sudo']) && succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : null;
}

async function installByApt() {
  const prefix = rootPrefix();
  // Debian's own `chromium` is a real package; Ubuntu's is an empty pointer to a snap.
  if (debianVersion() === null || prefix === null) return;
  process.stdout.write("No Chrome or Chromium found: installing Debian's chromium with apt-get...\n");
  const apt = (...args) => {
    const [program, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args];
    return runProgram(program, rest);
  };
  await apt('update');
  await apt('install', '-y', '--no-install-recommends', 'chromium', 'chromium-sandbox');
}

async function installByPlaywright() {
  process.stdout.write('No Chrome or Chromium found: downloading Chromium with Playwright...\n');
  const cli = packageBin('playwright', 'cli.js');
  await runProgram(process.execPath, [cli, 'install', '--no-shell', 'chromium'], { cwd: REPOSITORY });
}

/** A downloaded browser may lack system libraries, which shows only when it is started. */
function assertStarts(path) {
  // Windows' builds bring all libraries along, and open a window instead of telling their version.
  if (THIS_MACHINE.platform === 'win32' || succeeds(path, ['--version'])) return path;
  throw new Failure(
    `${path} does not start: system libraries are missing.`,
    `As root: node ${packageBin('playwright', 'cli.js')} install-deps chromium. ${ADVICE}`,
  );
}

/**
 * A browser's path, installed first if there is none. Needs the npm packages.
 * @returns {Promise<string>}
 * @throws Failure that says what to install
 */
export async function ensureBrowser() {
  for (const install of [null, installByApt, installByPlaywright]) {
    await install?.();
    const path = findBrowser();
    if (path !== null) return install === null ? path : assertStarts(path);
  }
  throw new Failure('There is no Chrome or Chromium on this machine and none could be installed.', ADVICE);
}
