// `npm run train`: drives the page in a browser without a screen, shows its progress and collects its files.

import { chooseAdapter } from '../launcher/adapter.mjs';
import { DIST } from '../launcher/build.mjs';
import { Failure } from '../launcher/failure.mjs';
import { openHeadless } from '../launcher/headless.mjs';
import { preparePage } from '../launcher/prepare.mjs';
import { startServer } from '../launcher/server.mjs';
import { claimFolder } from './claim.mjs';
import { resumeCommand, shownPath } from './command.mjs';
import { createDisplay } from './display.mjs';
import { followRun } from './follow.mjs';
import { watchInterrupts } from './interrupt.mjs';
import { readPlan } from './plan.mjs';
import { ownVersion } from './runRecord.mjs';
import { openSession } from './session.mjs';
import { setUp } from './setUp.mjs';
import { scoreTable, timeTable } from './table.mjs';

export { options } from './plan.mjs';

const STOPPED = 130;

/** Runs one training in an open browser. @returns {Promise<number>} exit code */
async function trainIn(session, display, plan, interruption) {
  if (plan.version !== ownVersion()) {
    display.line(`  The run began with Lorikeet ${plan.version}; this is ${ownVersion()}.`);
  }
  await setUp(session, display, plan);
  if (interruption.wanted) return STOPPED;
  interruption.stop = () => void session.call('stop').catch(() => {});
  const { summary, saved } = await followRun(session, display, plan, interruption);
  if (summary === null) return STOPPED;
  display.line(`\n${scoreTable(summary)}\n\n${timeTable(summary)}`);
  if (!summary.complete) return STOPPED;
  if (!saved) throw new Failure('the run finished, but some of its files could not be saved; they are listed above.');
  return 0;
}

async function withBrowser(plan, executablePath, origin) {
  const adapter = plan.software ? 'software' : await chooseAdapter(executablePath, origin);
  const display = createDisplay();
  display.line(`Training in ${adapter === 'gpu' ? 'Chromium on the GPU' : 'Chromium with software WebGPU'}`);
  const browser = await openHeadless({ executablePath, adapter, headed: plan.headed });
  const interruption = { wanted: false, stop: null };
  const unwatch = watchInterrupts(() => {
    interruption.wanted = true;
    display.line('Stopping after this step, then saving. Ctrl-C again ends at once.');
    display.line(`The run can be resumed: ${resumeCommand(plan.out)}`);
    interruption.stop?.();
  }, browser.close);
  try {
    const session = await openSession(browser, `${origin}/`);
    return await trainIn(session, display, plan, interruption);
  } finally {
    unwatch();
    await browser.close();
  }
}

async function serve(port) {
  try {
    return await startServer({ root: DIST, port });
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Failure(`port ${port} is in use.`, 'Leave --port out to take a free one.');
  }
}

async function train(plan) {
  const executablePath = await preparePage();
  const server = await serve(plan.port);
  try {
    return await withBrowser(plan, executablePath, server.origin);
  } finally {
    await server.close();
  }
}

/**
 * @param {Record<string, string | boolean | undefined>} flags
 * @returns {Promise<number>} 0 when the run finished, 130 when it was stopped
 */
export async function run(flags) {
  const plan = readPlan(flags);
  if (plan.finished) {
    process.stdout.write(`The run in ${shownPath(plan.out)} has finished; there is nothing to go on with.\n`);
    return 0;
  }
  const release = claimFolder(plan.out);
  try {
    return await train(plan);
  } finally {
    release();
  }
}
