// `npm test`: all tiers, from the checks that run nothing to the built page in a browser, and one line of counts.

import { ensureBuild } from '../launcher/build.mjs';
import { ensureBrowser } from '../launcher/installBrowser.mjs';
import { ensurePackages } from '../launcher/packages.mjs';
import { runStaticChecks } from './staticChecks.mjs';
import { runVitest } from './vitestTier.mjs';

export const options = {
  fast: { type: 'boolean', about: 'only types and the tests that need no browser' },
};

async function runEndToEnd() {
  await ensureBuild();
  return runVitest('e2e');
}

const FAST_TIERS = {
  static: () => runStaticChecks({ names: ['types'] }),
  node: () => runVitest('node'),
};

const ALL_TIERS = {
  static: () => runStaticChecks(),
  node: () => runVitest('node'),
  browser: () => runVitest('browser'),
  e2e: runEndToEnd,
};

/** Runs a tier; one that cannot run at all is one failure, and the others still run. */
async function runTier(name, work) {
  process.stdout.write(`\n== ${name}\n`);
  const startedAt = performance.now();
  let counts;
  try {
    counts = await work();
  } catch (error) {
    process.stdout.write(`${error.message}\n`);
    counts = { passed: 0, failed: 1 };
  }
  return { name, skipped: 0, ...counts, seconds: (performance.now() - startedAt) / 1000 };
}

function tierLine({ name, passed, failed, skipped, seconds }) {
  const extra = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${name.padEnd(8)} ${passed} passed, ${failed} failed${extra}  ${seconds.toFixed(1)} s`;
}

/**
 * @param {{fast?: boolean}} flags
 * @returns {Promise<number>} 0 when nothing failed
 */
export async function run({ fast = false }) {
  await ensurePackages();
  if (!fast) await ensureBrowser();
  const results = [];
  for (const [name, work] of Object.entries(fast ? FAST_TIERS : ALL_TIERS)) results.push(await runTier(name, work));
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  process.stdout.write(
    `\n${results.map(tierLine).join('\n')}\n\n${total('passed')} passed, ${total('failed')} failed\n`,
  );
  return total('failed') === 0 ? 0 : 1;
}
