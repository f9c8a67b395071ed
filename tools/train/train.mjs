// `npm run train`: drives the page in a browser without a screen, shows its progress and collects its files.

import { chooseAdapter } from '../launcher/adapter.mjs';
import { DIST } from '../launcher/build.mjs';
import { Failure } from '../launcher/failure.mjs';
import { openHeadless } from '../launcher/headless.mjs';
import { preparePage } from '../launcher/prepare.mjs';
import { startServer } from '../launcher/server.mjs';
import { claimFolder } from './claim.mjs';
import { shownPath } from './command.mjs';
import { createDisplay } from './display.mjs';
import { followRun } from './follow.mjs';
import { HUB_PORT, keepOnlyModels, modelProfile } from './hubModel.mjs';
import { Interrupted, STOPPED, watchInterrupts, workThenClose } from './interrupt.mjs';
import { readPlan } from './plan.mjs';
import { ownVersion } from './runRecord.mjs';
import { openSession } from './session.mjs';
import { setUp, wantedOf } from './setUp.mjs';
import { showPlan } from './showPlan.mjs';
import { scoreTable, timeTable } from './table.mjs';

export { options } from './plan.mjs';

/** Runs one training in an open browser. @returns {Promise<number>} exit code */
async function trainIn(session, display, plan, { interruption, onEvent, onPlan }) {
  session.messages.on('event', ({ event }) => onEvent(event));
  if (plan.version !== ownVersion()) {
    display.line(`  The run began with Lorikeet ${plan.version}; this is ${ownVersion()}.`);
  }
  await setUp(session, display, plan);
  if (plan.planOnly) return showPlan(session, display, plan);
  if (onPlan) onPlan(await session.until(session.call('plan', wantedOf(plan))));
  const { summary, saved } = await followRun(session, display, plan, interruption);
  if (summary === null) return STOPPED;
  display.line(`\n${scoreTable(summary)}\n\n${timeTable(summary)}`);
  if (!summary.complete) return STOPPED;
  if (!saved) throw new Failure('the run finished, but some of its files could not be saved; they are listed above.');
  return 0;
}

async function withBrowser(plan, executablePath, origin, watchers) {
  const adapter = plan.software ? 'software' : await chooseAdapter(executablePath, origin);
  const display = createDisplay(process.stdout, { verbose: plan.verbose });
  const doing = plan.planOnly ? 'Planning' : 'Training';
  display.line(`${doing} in ${adapter === 'gpu' ? 'Chromium on the GPU' : 'Chromium with software WebGPU'}`);
  const profile = plan.model?.hub ? modelProfile(Number(new URL(origin).port)) : undefined;
  const browser = await openHeadless({ executablePath, adapter, headed: plan.headed, profile });
  const work = async () => {
    if (profile !== undefined) await keepOnlyModels(browser.page, origin);
    return trainIn(await openSession(browser, `${origin}/`), display, plan, watchers);
  };
  return workThenClose(watchers.interruption.until, work(), browser.close);
}

async function serve({ port: given, model, hubHost }) {
  const port = given ?? (model?.hub ? HUB_PORT : 0);
  try {
    return await startServer({ root: DIST, port, hub: hubHost ?? undefined });
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    if (given === null) {
      throw new Failure(
        `port ${port}, by which models of the hub are kept, is in use: another training may be under way.`,
        'Wait for its end, or give another --port: the model is fetched and kept once more there.',
      );
    }
    throw new Failure(`port ${port} is in use.`, 'Leave --port out to take a free one.');
  }
}

async function train(plan, watchers) {
  const executablePath = await watchers.interruption.until(preparePage());
  const server = await serve(plan);
  try {
    return await withBrowser(plan, executablePath, server.origin, watchers);
  } finally {
    await server.close();
  }
}

/**
 * @param {Record<string, string | boolean | undefined>} flags
 * @param {(event: object) => void} [onEvent] hears each RunEvent of src/protocol/messages.ts
 * @param {(plan: object) => void} [onPlan] is given the run's plan (RunPlan there) before it starts; left out: none is made
 * @returns {Promise<number>} 0 when the run finished (or, with --plan, fits), 1 when it does not fit, 130 when it was stopped
 */
export async function run(flags, onEvent = () => {}, onPlan = null) {
  if (process.platform !== 'linux') {
    throw new Failure('npm run train is for Linux only so far.', 'npm start opens the page, which trains here too.');
  }
  const plan = readPlan(flags);
  if (plan.finished) {
    process.stdout.write(`The run in ${shownPath(plan.out)} has finished; there is nothing to go on with.\n`);
    return 0;
  }
  const interruption = watchInterrupts();
  const release = plan.planOnly ? () => {} : claimFolder(plan.out);
  // Also when the process is ended in mid-work.
  process.once('exit', release);
  try {
    return await train(plan, { interruption, onEvent, onPlan });
  } catch (error) {
    if (error instanceof Interrupted) return STOPPED;
    throw error;
  } finally {
    interruption.unwatch();
    release();
  }
}
