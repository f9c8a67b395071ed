// Tiers side by side: each lane runs its tiers one after another, all lanes at once. What lanes write comes out lane by
// lane, the first at once and every other when those before it have ended.

/** @typedef {(text: string | Uint8Array) => void} Write */
/** @typedef {(write: Write) => Promise<void>} Lane */

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
 * Runs all lanes to their ends.
 * @param {Lane[]} lanes
 * @param {Write} write where all output goes @throws what a lane throws, after all have ended
 */
export async function runLanes(lanes, write) {
  const outputs = lanes.map(() => heldOutput(write));
  const ends = lanes.map((lane, i) => lane(outputs[i].write));
  // Whatever one of them does, the others are waited for.
  const all = Promise.allSettled(ends);
  for (const [i, output] of outputs.entries()) {
    output.open();
    await ends[i].catch(() => undefined);
  }
  for (const result of await all) if (result.status === 'rejected') throw result.reason;
}
