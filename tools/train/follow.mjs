// One run in an open page, from its start to its end: shows events, keeps the run file up to date, collects results.

import { hasRunFile, removeRun, writeRunRecord } from './runRecord.mjs';
import { resumeCommand, shownPath } from './command.mjs';
import { createKeeper } from './keeper.mjs';
import { saveOutputs } from './outputs.mjs';
import { saveRunFile } from './runFile.mjs';
import { pageFailure } from './session.mjs';

/** Writes run.json; `seed` is the one in use. */
function record({ out, data, model, adapter, software, version }, seed, state) {
  return writeRunRecord(out, { state, data, model, adapter, seed, software, version });
}

/** Tells the page to begin, and notes what the run consists of. Resolves with the seed. */
async function begin(session, plan) {
  let { seed } = plan;
  if (plan.resumed) await session.call('continueRun', plan.recipe);
  else {
    await removeRun(plan.out);
    ({ seed } = await session.call('start'));
  }
  await record(plan, seed, 'running');
  return seed;
}

/** Saves each checkpoint beside the results; training does not wait for it. */
function keepCheckpoints(session, display, out) {
  const keeper = createKeeper(
    () => saveRunFile(session, out),
    (error) => {
      // When the browser dies, that is said once, as the run's end.
      if (session.isAlive()) display.line(`  warning: the checkpoint is not in ${shownPath(out)}: ${error.message}`);
    },
  );
  session.messages.on('event', ({ event }) => event.type === 'checkpoint' && keeper.note());
  return keeper;
}

/** Resolves with the run's summary, or null when it stopped without one; rejects when it fails. */
function endOf(session, display, interruption, began) {
  return new Promise((resolve, reject) => {
    session.messages.on('event', ({ event }) => {
      display.event(event);
      if (event.type === 'finished') resolve(event.summary);
      else if (event.type === 'error') reject(pageFailure(event.error));
      else if (event.type === 'state' && event.state === 'idle' && interruption.wanted) resolve(null);
    });
    session.messages.on('failed', ({ error }) => reject(pageFailure(error)));
    began.catch(reject);
  });
}

async function saveAndShow(session, display, out) {
  const { written, missing } = await saveOutputs(session, out);
  for (const text of missing) display.line(`not saved: ${text}`);
  display.line(`\nFiles in ${shownPath(out)}: ${written.join(', ')}`);
  return missing.length === 0;
}

function showWayOn(display, out) {
  display.line(
    hasRunFile(out) ? `Go on with: ${resumeCommand(out)}` : 'It had no checkpoint yet, so it has to begin again.',
  );
}

/** What a failed run had made is still worth keeping. */
async function keepFailed(session, display, plan, keeper) {
  if (!session.isAlive()) return;
  await keeper.settled();
  await saveAndShow(session, display, plan.out).catch(() => {});
}

/**
 * Runs what the page has been set up for.
 * @returns {Promise<{summary: object | null, saved: boolean}>} `saved`: every file of a finished run is there
 * @throws what made the run fail
 */
export async function followRun(session, display, plan, interruption) {
  const keeper = keepCheckpoints(session, display, plan.out);
  let going = false;
  session.messages.on('event', ({ event }) => (going ||= event.type === 'resumed'));
  const began = begin(session, plan);
  if (!plan.resumed) began.then(() => (going = true)).catch(() => {});
  let summary;
  try {
    summary = await session.until(endOf(session, display, interruption, began));
  } catch (error) {
    // A run that the page refused to go on with leaves the folder as it was.
    if (going) {
      await keepFailed(session, display, plan, keeper);
      await record(plan, await began, 'failed');
      showWayOn(display, plan.out);
    }
    throw error;
  }
  await keeper.settled();
  const saved = await saveAndShow(session, display, plan.out);
  const complete = summary?.complete === true;
  await record(plan, await began, complete ? (saved ? 'finished' : 'failed') : 'stopped');
  if (!complete) showWayOn(display, plan.out);
  return { summary, saved };
}
