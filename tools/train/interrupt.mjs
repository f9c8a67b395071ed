// Ctrl-C during a run: the first one stops and saves, the second one ends at once.

/** npm passes on the terminal's Ctrl-C, so one key press can arrive twice. */
const SAME_PRESS_MS = 700;
const EXIT_CODE = 130;

/**
 * Watches for Ctrl-C and SIGTERM.
 * @param {() => void} onFirst asked to stop
 * @param {() => Promise<void>} onSecond told to end; the process exits with 130 after it, or after 3 s
 * @returns {() => void} stops watching
 */
export function watchInterrupts(onFirst, onSecond) {
  let firstAt = null;
  const onSignal = () => {
    if (firstAt === null) {
      firstAt = Date.now();
      onFirst();
    } else if (Date.now() - firstAt > SAME_PRESS_MS) {
      setTimeout(() => process.exit(EXIT_CODE), 3000).unref();
      void onSecond().finally(() => process.exit(EXIT_CODE));
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
