// Tiers side by side: a few at once, each begun as soon as another has ended. What they write comes out tier by tier, of the
// first at once and of every other when those before it have ended.

/** @typedef {(text: string | Uint8Array) => void} Write */
/** @typedef {(write: Write) => Promise<void>} Task */

/** @type {Write} */
export function toStdout(text) {
  process.stdout.write(text);
}

/** Writes through `write` once it is opened; keeps what comes before. */
function heldOutput(write) {
  let held = [];
  return {
    write: (text) => void (held ? held.push(text) : write(text)),
    open() {
      for (const text of held ?? []) write(text);
      held = null;
    },
  };
}

/**
 * Runs all tasks to their ends.
 * @param {Task[]} tasks in the order in which they begin and their output comes
 * @param {Write} write where all output goes @param {number} atOnce how many run at a time
 * @throws what the first task that failed has thrown, after all have ended
 */
export async function runTogether(tasks, write, atOnce) {
  const outputs = tasks.map(() => heldOutput(write));
  const ended = tasks.map(() => false);
  const errors = [];
  let next = 0;
  let shown = 0;
  const show = () => {
    for (; shown < tasks.length; shown++) {
      outputs[shown].open();
      if (!ended[shown]) return;
    }
  };
  const worker = async () => {
    while (next < tasks.length) {
      const i = next++;
      show();
      await tasks[i](outputs[i].write).catch((error) => errors.push(error));
      ended[i] = true;
      show();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (errors.length > 0) throw errors[0];
}
