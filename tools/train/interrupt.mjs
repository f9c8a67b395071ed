// What Ctrl-C, SIGTERM and a closed terminal do: they stop a run, and end at once whatever is no run.

import { failureText } from '../launcher/failure.mjs';

/** npm passes on the terminal's Ctrl-C, so one key press can arrive twice. */
const SAME_PRESS_MS = 700;
/** Longer than a browser takes to close. */
const PATIENCE_MS = 3000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The exit code of what a signal has ended. */
export const STOPPED = 130;

/** A signal has ended the work. */
export class Interrupted extends Error {}

/** Without this, writing to a terminal that is gone would end the process before its run is saved. */
function surviveClosedTerminal() {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!['EIO', 'EPIPE'].includes(error.code)) throw error;
    });
  }
}

/**
 * Works with something that is closed afterwards, also when a signal ends the work at once. Ends after the work has:
 * what is still written then is written before the folder is given back.
 * @param {(work: Promise<unknown>) => Promise<unknown>} until of watchInterrupts
 * @param {Promise<T>} work that fails once it is closed @param {() => Promise<void>} close
 * @returns {Promise<T>} @template T
 */
export async function workThenClose(until, work, close) {
  try {
    return await until(work);
  } finally {
    await close();
    await work.catch(() => {});
  }
}

/** The deepest place of an error's stack is Playwright's own code. */
const IN_PLAYWRIGHT = /^\s+at .*[\\/]node_modules[\\/]playwright-core[\\/]/;

function thrownByPlaywright(error) {
  const [first = ''] = (error?.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return IN_PLAYWRIGHT.test(first);
}

/**
 * Playwright 1.65 throws in its own handlers when the page goes while an object of it is being made ("Cannot find parent
 * object", "was not bound in the connection"): of a browser that is being closed nobody wants to know. To go when it no
 * longer does. Everything else ends the process as ever.
 */
function ignoreLostObjects(error) {
  if (thrownByPlaywright(error)) return;
  process.stderr.write(`${failureText(error)}\n`);
  process.exit(1);
}

/**
 * Watches for signals. The first one stops the run that is under way, so that it saves; without one it ends the work at
 * once, as a second one does. Work that does not end is cut off by the end of the process, with 130, after 3 s.
 * @param {import('node:events').EventEmitter} [source] of the signals
 * @returns {{wanted: boolean, during: (stop: () => void) => void, until: <T>(work: Promise<T>) => Promise<T>,
 *   unwatch: () => void}} `wanted`: there has been a signal; `during` says how to stop the run that is under way now;
 *   `until` waits for work, and rejects with Interrupted when it shall end at once
 */
export function watchInterrupts(source = process) {
  surviveClosedTerminal();
  let firstAt = null;
  let stop = null;
  let cut;
  const ended = new Promise((_, reject) => (cut = reject));
  ended.catch(() => {});
  const endNow = () => {
    source.on('uncaughtException', ignoreLostObjects);
    setTimeout(() => process.exit(STOPPED), PATIENCE_MS).unref();
    cut(new Interrupted());
  };
  const watch = {
    wanted: false,
    during: (how) => (stop = how),
    until: (work) => Promise.race([work, ended]),
    unwatch: () => {
      SIGNALS.forEach((signal) => source.off(signal, onSignal));
      source.off('uncaughtException', ignoreLostObjects);
    },
  };
  const onSignal = () => {
    watch.wanted = true;
    if (firstAt !== null) {
      if (Date.now() - firstAt > SAME_PRESS_MS) endNow();
      return;
    }
    firstAt = Date.now();
    if (stop === null) endNow();
    else stop();
  };
  SIGNALS.forEach((signal) => source.on(signal, onSignal));
  return watch;
}
