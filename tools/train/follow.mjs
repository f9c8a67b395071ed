// One run in an open page, from its start to its end: shows events, keeps the run file up to date, collects results.

import { resumeCommand, shownPath } from './command.mjs';
import { createKeeper } from './keeper.mjs';
import { hasResults, saveOutputs, saveRunFile, setAside } from './outputs.mjs';
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
 * and has a checkpoint or an end, and move aside then (`--overwrite`). A run that goes on has the folder already.
 */
function createPlace(display, { out, resumed, ...plan }) {
  let taken = resumed;
  const earlier = hasResults(out);
  /** Only one at a time: a checkpoint and the end of the run may both ask. */
  let taking = Promise.resolve();
  const take = async (seed) => {
    if (taken) return;
    const moved = await setAside(out);
    if (moved !== null)
      display.line(
        `  ${earlier ? 'The earlier run' : `What was in the way in ${shownPath(out)}`} is in ${shownPath(moved)}.`,
      );
    await record({ out, ...plan }, seed, 'running');
    taken = true;
  };
  return {
    isTaken: () => taken,
    isFree: () => !earlier,
    /** Takes the folder for the run with this seed, unless it has been taken. */
    take: (seed) => (taking = taking.catch(() => {}).then(() => take(seed))),
    /** Whether there is an earlier run, as it was. */
    isOthers: () => earlier && !taken,
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

/** What a signal does from now on: the page gives up the step under way and stops the run as of the one before. */
function stopBySignal(session, display, interruption) {
  interruption.during(() => {
    display.line(
      'Stopping: the step under way is given up, what was done before it is saved. Ctrl-C again ends at once.',
    );
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
  const { written, notes, missing } = await saveOutputs(session, out);
  for (const note of notes) display.line(`warning: ${note}`);
  for (const { place, message } of missing) display.line(`not saved: ${place}: ${message}`);
  display.line(`\nFiles in ${shownPath(out)}: ${written.join(', ')}`);
  return !missing.some(({ needed }) => needed);
}

function showWayOn(display, out, place) {
  const own = place.isTaken() && hasRunFile(out);
  display.line(own ? `Go on with: ${resumeCommand(out)}` : 'It had no checkpoint yet, so it has to begin again.');
  if (place.isOthers()) display.line(`The earlier run in ${shownPath(out)} is as it was.`);
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
  const place = createPlace(display, plan);
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
    stopBySignal(session, display, interruption);
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
