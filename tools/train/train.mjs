// `npm run train`: drives the page in a browser without a screen, shows its progress and collects its files.

import { relative } from 'node:path';
import { chooseAdapter } from '../launcher/adapter.mjs';
import { DIST } from '../launcher/build.mjs';
import { Failure } from '../launcher/failure.mjs';
import { openHeadless } from '../launcher/headless.mjs';
import { preparePage } from '../launcher/prepare.mjs';
import { startServer } from '../launcher/server.mjs';
import { createDisplay } from './display.mjs';
import { watchInterrupts } from './interrupt.mjs';
import { saveOutputs } from './outputs.mjs';
import { readPlan } from './plan.mjs';
import { openSession, pageFailure } from './session.mjs';
import { scoreTable, timeTable } from './table.mjs';

export { options } from './plan.mjs';

const STOPPED = 130;
const SHOWN_PROBLEMS = 20;

function showProblems(display, problems) {
  for (const { level, file, line, message } of problems.slice(0, SHOWN_PROBLEMS)) {
    display.line(`  ${level}: ${file}${line ? `:${line}` : ''}: ${message}`);
  }
  const more = problems.length - SHOWN_PROBLEMS;
  if (more > 0) display.line(`  and ${more} more`);
}

/** Gives the page a folder as its picker would; answers with the import's result. */
async function pickData(session, folder) {
  const outcome = session.next(['dataset', 'datasetFailed'], (message) => !message.bundled);
  const [message] = await Promise.all([outcome, session.until(session.page.setInputFiles('#pick-folder', folder))]);
  return message;
}

function showData(display, { type, info, error, problems }) {
  showProblems(display, problems ?? info?.problems ?? []);
  if (type === 'datasetFailed') throw pageFailure(error);
  const { name, trainRows, valRows, images } = info;
  display.line(`Data: ${name}, ${trainRows} training rows, ${valRows} validation rows, ${images} images`);
}

async function setUp(session, display, plan) {
  // Without a folder the page imports the demo when the run starts; a failed import then fails the start.
  if (!plan.data) session.messages.on('dataset', (message) => showData(display, message));
  // Model and recipe first: the import counts tokens with them.
  if (plan.model) await session.until(session.page.setInputFiles('#pick-model', plan.model));
  if (plan.recipe !== null) {
    for (const note of await session.call('setRecipe', plan.recipe)) display.line(`  recipe: ${note}`);
  }
  if (plan.seed !== null) await session.call('setSeed', plan.seed);
  if (plan.data) showData(display, await pickData(session, plan.data));
}

/** Starts the run and follows it to its end. Resolves with the summary, or null when it stopped without one. */
function follow(session, display, interruption) {
  const ended = new Promise((resolve, reject) => {
    session.messages.on('event', ({ event }) => {
      display.event(event);
      if (event.type === 'finished') resolve(event.summary);
      else if (event.type === 'error') reject(pageFailure(event.error));
      else if (event.type === 'state' && event.state === 'idle' && interruption.wanted) resolve(null);
    });
    session.messages.on('failed', ({ error }) => reject(pageFailure(error)));
    session.call('start').catch(reject);
  });
  return session.until(ended);
}

async function saveAndShow(session, display, out) {
  const { written, missing } = await saveOutputs(session, out);
  for (const text of missing) display.line(`not saved: ${text}`);
  const shown = relative(process.env.INIT_CWD ?? process.cwd(), out) || '.';
  display.line(`\nFiles in ${shown}: ${written.join(', ')}`);
  return missing.length === 0;
}

function showResult(display, summary) {
  display.line(`\n${scoreTable(summary)}\n\n${timeTable(summary)}`);
}

/** Runs one training in an open browser. @returns {Promise<number>} exit code */
async function trainIn(session, display, plan, interruption) {
  await setUp(session, display, plan);
  if (interruption.wanted) return STOPPED;
  interruption.stop = () => void session.call('stop').catch(() => {});
  let summary;
  try {
    summary = await follow(session, display, interruption);
  } catch (error) {
    // What the run had made before it failed is still worth keeping.
    if (session.isAlive()) await saveAndShow(session, display, plan.out).catch(() => {});
    throw error;
  }
  const saved = await saveAndShow(session, display, plan.out);
  if (summary === null) return STOPPED;
  showResult(display, summary);
  if (interruption.wanted || !summary.complete) return STOPPED;
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

/**
 * @param {Record<string, string | boolean | undefined>} flags
 * @returns {Promise<number>} 0 when the run finished, 130 when it was stopped
 */
export async function run(flags) {
  const plan = readPlan(flags);
  const executablePath = await preparePage();
  const server = await serve(plan.port);
  try {
    return await withBrowser(plan, executablePath, server.origin);
  } finally {
    await server.close();
  }
}
