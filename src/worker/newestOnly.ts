// Of work that is asked for again and again, only what was asked last is done to its end.

/** Thrown within work once newer work was asked for. */
class Overtaken extends Error {}

/**
 * Makes a function that begins `work` at every call. Work that a newer call overtakes ends at its next `goOn`, and comes to
 * what the newer one comes to, its error included; work that has no `goOn` left comes to its own.
 * @param work calls `goOn` between its parts, and lets through what that throws
 */
export function newestOnly<A, R>(work: (asked: A, goOn: () => void) => Promise<R>): (asked: A) => Promise<R> {
  let newest: Promise<R>;
  let count = 0;
  return (asked) => {
    const own = ++count;
    const goOn = (): void => {
      if (own !== count) throw new Overtaken();
    };
    newest = work(asked, goOn).catch((error: unknown) => {
      if (error instanceof Overtaken) return newest;
      throw error;
    });
    return newest;
  };
}
