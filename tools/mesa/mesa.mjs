// Mesa 25 beside the machine's own: its software adapter (lavapipe) and its compiler for AMD's chips (RADV). Debian 12's
// own Mesa is too old for Dawn.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debianVersion } from '../launcher/debian.mjs';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { captureProgram } from '../launcher/processes.mjs';

const CACHE = inRepository('.cache', 'mesa');
/** Written last, so that an unfinished download is done again. */
const MARKER = join(CACHE, '.fetched');
/** Mesa's package among those that were unpacked; the version is in the file's name. */
const PACKAGE = /^mesa-vulkan-drivers_(.+)_amd64\.deb$/;
/** Where apt of Debian 12 has its mirror from. */
const SOURCES = '/etc/apt/sources.list.d/debian.sources';

/** @typedef {{debian: string | null, arch: string, sources: boolean}} Host as `debianVersion`, Node's name, whether SOURCES is there */

/** @type {() => Host} */
const thisHost = () => ({ debian: debianVersion(), arch: process.arch, sources: existsSync(SOURCES) });

/** Why Mesa's packages cannot be fetched on this machine; null where they can. @param {Host} host */
export function hostProblem({ debian, arch, sources }) {
  if (debian !== '12' || arch !== 'x64')
    return 'Mesa is fetched as packages of Debian 12 (bookworm) for amd64, and this is another system.';
  return sources ? null : `Mesa is fetched from the mirror that ${SOURCES} names, and there is no such file.`;
}

async function fetchMesa() {
  const problem = hostProblem(thisHost());
  if (problem)
    throw new Failure(problem, 'LORIKEET_MESA may name a folder that tools/mesa/fetch_mesa.sh made elsewhere.');
  process.stdout.write(`Fetching Mesa's packages into ${CACHE} (200 MB, once; nothing is installed)...\n`);
  mkdirSync(CACHE, { recursive: true });
  const { code, output } = await captureProgram('bash', [inRepository('tools', 'mesa', 'fetch_mesa.sh'), CACHE]);
  if (code !== 0) {
    const lines = output.trim().split('\n').slice(-5).join('\n  ');
    throw new Failure(
      "Mesa's packages could not be fetched.",
      `Its mirror is needed once. The last lines were:\n  ${lines}`,
    );
  }
  writeFileSync(MARKER, '');
}

/**
 * @typedef {object} Mesa
 * @property {string} folder what fetch_mesa.sh made
 * @property {string} version of the package
 * @property {Record<string, string>} lavapipe environment in which Vulkan is lavapipe
 */

/**
 * Fetched once; LORIKEET_MESA names a folder that has it already.
 * @returns {Promise<Mesa>} @throws Failure where it cannot be had
 */
export async function ensureMesa() {
  const given = process.env.LORIKEET_MESA;
  if (!given && !existsSync(MARKER)) await fetchMesa();
  const folder = given ? resolve(process.env.INIT_CWD ?? '.', given) : CACHE;
  const debs = existsSync(join(folder, 'debs')) ? readdirSync(join(folder, 'debs')) : [];
  const version = debs.map((name) => PACKAGE.exec(name)?.[1]).find(Boolean);
  if (!version) throw new Failure(`${folder} holds no Mesa.`, 'A folder made by tools/mesa/fetch_mesa.sh is expected.');
  const libraries = join(folder, 'unpacked', 'usr', 'lib', 'x86_64-linux-gnu');
  const lavapipe = { LD_LIBRARY_PATH: libraries, VK_ICD_FILENAMES: join(folder, 'lvp.json') };
  return { folder, version, lavapipe };
}
