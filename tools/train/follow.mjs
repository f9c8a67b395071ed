// One run in an open page, from its start to its end: shows events, keeps the run file up to date, collects results.

import { join } from 'node:path';
import { resumeCommand, shownPath } from './command.mjs';
import { createKeeper } from './keeper.mjs';
import { hasResults, PREVIOUS, saveOutputs, saveRunFile, setAside } from './outputs.mjs';
import { hasRunFile, writeRunRecord } from './runRecord.mjs';
import { pageFailure } from './session.mjs';
import { wantedOf } from './setUp.mjs';

/** Writes run.json; `seed` is the one in use. */
function record({ out, data, model, adapter, software, version }, seed, state) {
  const [dataPath, modelPath, adapterPath] = [data, model, adapter].map((given) => given?.path ?? null);
  const folders = { data: dataPath, model: modelPath, adapter: adapterPath };
  return writeRunRecord(out, { state, ...folders, seed, software, version });
}

/**
 * The output folder as a new run takes it: an earlier run's results stay as they are until this one has trained a step
 * and has a checkpoint or an end, and move to `previous` then (`--overwrite`). A run that goes on has the folder already.
 */
function createPlace({ out, resumed, ...plan }) {
  let taken = resumed;
  const earlier = hasResults(out);
  /** Only one at a time: a checkpoint and the end of the run may both ask. */
  let taking = Promise.resolve();
  const take = async (seed) => {
    if (taken) return;
    await setAside(out);
    await record({ out, ...plan }, seed, 'running');
    taken = true;
  };
  return {
    isTaken: () => taken,
    isFree: () => !earlier,
    /** Takes the folder for the run with this seed, unless it has been taken. */
    take: (seed) => (taking = taking.catch(() => {}).then(() => take(seed))),
    /** What to say about the earlier run; null when there was none. */
    earlierRun() {
      if (resumed || !earlier) return null;
      return `The earlier run ${taken ? `is in ${shownPath(join(out, PREVIOUS))}` : `in ${shownPath(out)} is as it was`}.`;
    },
  };
}

/** Tells the page to begin, and takes the folder where nothing can be lost by it. Resolves with the seed. */
async function begin(session, plan, place) {
  if (plan.resumed) {
    await session.call('continueRun', wantedOf(plan), plan.recipe);
    await record(plan, plan.seed, 'running');
    return plan.seed;
  }
  const { seed } = await session.call('start', wantedOf(plan));
  if (place.isFree()) await place.take(seed);
  return seed;
}

/** Saves each checkpoint that is `wanted` beside the results; training does not wait for it. */
function keepCheckpoints(session, display, out, { wanted, ready }) {
  const keeper = createKeeper(
    () => saveRunFile(session, out, ready),
    (error) => {
      // When the browser dies, that is said once, as the run's end.
      if (session.isAlive()) display.line(`  warning: the checkpoint is not in ${shownPath(out)}: ${error.message}`);
    },
  );
  session.messages.on('event', ({ event }) => event.type === 'checkpoint' && wanted() && keeper.note());
  return keeper;
}

/** What a signal does from now on: the page stops the run after its step. */
function stopBySignal(session, display, out, interruption) {
  interruption.during(() => {
    display.line('Stopping after this step, then saving. Ctrl-C again ends at once.');
    display.line(`The run can be resumed: ${resumeCommand(out)}`);
    void session.call('stop').catch(() => {});
  });
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

/** Resolves with whether everything that a run is made for is there. */
async function saveAndShow(session, display, out) {
  const { written, missing } = await saveOutputs(session, out);
  for (const { place, message } of missing) display.line(`not saved: ${place}: ${message}`);
  display.line(`\nFiles in ${shownPath(out)}: ${written.join(', ')}`);
  return !missing.some(({ needed }) => needed);
}

function showWayOn(display, out, place) {
  const own = place.isTaken() && hasRunFile(out);
  display.line(own ? `Go on with: ${resumeCommand(out)}` : 'It had no checkpoint yet, so it has to begin again.');
  const earlier = place.earlierRun();
  if (earlier !== null) display.line(earlier);
}

/** What a failed run had made is still worth keeping, unless that would cost an earlier run its place. */
async function keepFailed(session, display, plan, place, seed, keeper) {
  if (session.isAlive()) await keeper.settled();
  if (place.isTaken()) {
    if (session.isAlive()) await saveAndShow(session, display, plan.out).catch(() => {});
    await record(plan, seed, 'failed');
  }
  showWayOn(display, plan.out, place);
}

/**
 * Runs what the page has been set up for.
 * @param {object} session of openSession @param {object} display of createDisplay @param {import('./plan.mjs').Plan} plan
 * @param {ReturnType<import('./interrupt.mjs').watchInterrupts>} interruption
 * @returns {Promise<{summary: object | null, saved: boolean}>} `saved`: every file of a finished run is there
 * @throws what made the run fail
 */
export async function followRun(session, display, plan, interruption) {
  const place = createPlace(plan);
  let going = false;
  session.messages.on('event', ({ event }) => (going ||= event.type === 'resumed'));
  const began = begin(session, plan, place);
  let trained = false;
  session.messages.on('event', ({ event }) => (trained ||= event.type === 'step'));
  const keeper = keepCheckpoints(session, display, plan.out, {
    wanted: () => trained || place.isFree() || place.isTaken(),
    ready: async () => place.take(await began),
  });
  const onBegun = () => {
    going ||= !plan.resumed;
    stopBySignal(session, display, plan.out, interruption);
  };
  began.then(onBegun, () => {});
  let summary;
  try {
    summary = await session.until(endOf(session, display, interruption, began));
  } catch (error) {
    // A run that the page refused to begin or to go on with leaves the folder as it was.
    if (going) await keepFailed(session, display, plan, place, await began, keeper);
    throw error;
  }
  interruption.during(() => display.line('Saving the results. Ctrl-C again ends at once.'));
  await keeper.settled();
  const seed = await began;
  const complete = summary?.complete === true;
  // A run that was stopped before it had trained anything has nothing to take the place with.
  if (complete || (trained && summary !== null)) await place.take(seed);
  let saved = true;
  if (place.isTaken()) {
    saved = await saveAndShow(session, display, plan.out);
    await record(plan, seed, complete ? (saved ? 'finished' : 'failed') : 'stopped');
  }
  if (!complete) showWayOn(display, plan.out, place);
  return { summary, saved };
}
