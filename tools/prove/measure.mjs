// One run of `npm run train` with the memory of the browser's processes sampled meanwhile.

import * as train from '../train/train.mjs';
import { availableBytes, watchBrowser } from './memory.mjs';
import { createTimeline } from './timeline.mjs';

const SAMPLE_MS = 200;

/** Samples until stopped; keeps the least memory that the machine had left. */
function startSampling(timeline) {
  const read = watchBrowser(process.pid);
  let leastAvailable = Infinity;
  const timer = setInterval(() => {
    timeline.sample(read());
    leastAvailable = Math.min(leastAvailable, availableBytes());
  }, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return leastAvailable;
  };
}

/**
 * @typedef {object} Measured
 * @property {ReturnType<ReturnType<typeof createTimeline>['end']>} result
 * @property {number} leastAvailable bytes that the machine had left when it had least
 * @property {object[]} events of the run, but for its progress
 * @property {object | null} plan of the run (src/planner/plan.ts); null when none was made
 */

/**
 * Trains as `npm run train` does.
 * @param {Record<string, string | boolean | undefined>} flags of train
 * @param {(measured: Measured) => void} onEnd also called for a run that failed: how far it came is worth knowing
 * @param {{plans?: boolean}} [options] `plans`: a plan is made before the run
 * @returns {Promise<number>} the run's exit code
 */
export async function measureRun(flags, onEnd, { plans = false } = {}) {
  const timeline = createTimeline(Date.now());
  const stop = startSampling(timeline);
  const events = [];
  let plan = null;
  const onEvent = (event) => {
    timeline.event(event, Date.now());
    if (event.type !== 'progress') events.push(event);
  };
  const onPlan = plans ? (found) => (plan = found.plan) : null;
  return train.run(flags, onEvent, onPlan).finally(() => {
    const leastAvailable = stop();
    onEnd({ result: timeline.end(Date.now()), leastAvailable, events, plan });
  });
}
