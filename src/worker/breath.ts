// Lets a worker's long loop look at its messages now and then. Must not know what the loop does.

/** How long a worker may go without looking at its messages. */
const BUSY_MS = 50;

/** A function to await between units of work; it lets messages in (such as one that cancels) every 50 ms. */
export function createBreath(): () => Promise<void> {
  let lookedAt = performance.now();
  return async () => {
    if (performance.now() - lookedAt < BUSY_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    lookedAt = performance.now();
  };
}
