// Saves the newest state again and again, one save at a time; what comes while one is under way is saved after it.
// Knows nothing of files or pages.

/** After a long save this many times its length passes before the next: large files cost a tenth of the time at most. */
const REST = 9;
/** Shorter saves are small files, which cost next to nothing: there, what a kill loses counts more. */
const LONG_MS = 1000;

/** A pause that can be cut short. */
function pause(ms) {
  let end;
  const over = new Promise((resolve) => {
    // A run that has ended otherwise must not wait for it.
    const timer = setTimeout(resolve, ms).unref();
    end = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { over, end };
}

/**
 * @param {() => Promise<void>} save saves the newest state
 * @param {(error: Error) => void} onFailure hears of a save that failed; saving goes on with the next state
 * @param {number} [longMs] a save of at least this many milliseconds is followed by a rest
 * @returns {{note: () => void, settled: () => Promise<void>}}
 *   `note` says that there is a newer state; `settled` resolves once the newest one noted is saved or has failed, and
 *   ends the rests between saves for good
 */
export function createKeeper(save, onFailure, longMs = LONG_MS) {
  let wanted = false;
  let hurry = false;
  let working = null;
  let resting = null;
  const saveOnce = async () => {
    const began = performance.now();
    try {
      await save();
    } catch (error) {
      onFailure(error);
    }
    return performance.now() - began;
  };
  const work = async () => {
    while (wanted) {
      wanted = false;
      const ms = await saveOnce();
      if (hurry || ms < longMs) continue;
      resting = pause(REST * ms);
      await resting.over;
    }
    working = null;
  };
  return {
    note() {
      wanted = true;
      working ??= work();
    },
    async settled() {
      hurry = true;
      resting?.end();
      await working;
    },
  };
}
