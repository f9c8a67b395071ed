// One connection to an IndexedDB database per context: opened on first use, given up for a newer version. Says when
// another tab is in the way, and when this tab is the old one. Knows nothing of what is stored.

import { LorikeetError } from '../base/errors';

export interface StorageStatus {
  /** Another tab holds a database in an older form; nothing of it can be read or written here until it lets go. */
  blocked: boolean;
  /** A newer version of the program has taken a database over; only a reload helps. */
  outdated: boolean;
}

export interface Connection {
  /** @throws storage.blocked within seconds; a later call answers once the other tab has let go */
  open(): Promise<IDBDatabase>;
  /** Drops a handle that has turned out to be closed; the next `open` makes a new one. */
  forget(): void;
}

/** How often an opening that takes long is looked at. */
const CHECK_MS = 1000;

const blocked = new Set<string>();
const listeners = new Set<(status: StorageStatus) => void>();
let outdated = false;

function tell(): void {
  for (const listener of listeners) listener({ blocked: blocked.size > 0, outdated });
}

/** Calls `listener` at each change of this context's status. @returns stops it */
export function watchStorage(listener: (status: StorageStatus) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** What is said of a database that another tab holds. */
export function blockedError(): LorikeetError {
  return new LorikeetError(
    'storage.blocked',
    'Another tab of this browser has an older version of Lorikeet open, which holds the stored data.',
    'Close other Lorikeet tabs; this one then goes on by itself.',
  );
}

/** Held by the context whose opening waits for another tab: openings behind it in the queue get no event of their own. */
function lockName(name: string): string {
  return `lorikeet-blocked-${name}`;
}

async function isHeldUp(name: string): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some((lock) => lock.name === lockName(name));
}

/** Rejects with storage.blocked when another tab is found in the way before `opened` settles; never resolves. */
function watchOpening(name: string, opening: IDBOpenDBRequest, opened: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    opening.onblocked = () => {
      // One context holds it for all; it is free when this one has got through, or is gone.
      navigator.locks.request(lockName(name), { ifAvailable: true }, () => opened).catch(() => undefined);
    };
    // A tab that closes its handle at once blocks only for a moment, so the event itself is no reason to complain.
    const timer = setInterval(() => {
      void isHeldUp(name).then((heldUp) => {
        if (!heldUp || settled) return;
        blocked.add(name);
        tell();
        reject(blockedError());
      });
    }, CHECK_MS);
    let settled = false;
    const end = (): void => {
      settled = true;
      clearInterval(timer);
      if (blocked.delete(name)) tell();
    };
    opened.then(end, end);
  });
}

/**
 * A connection to `name` at `version`, not opened yet.
 * @param upgrade makes stores and indexes inside the version's transaction
 */
export function createConnection(
  name: string,
  version: number,
  upgrade: (database: IDBDatabase, transaction: IDBTransaction) => void,
): Connection {
  let current: { answer: Promise<IDBDatabase> } | undefined;
  const forget = (): void => {
    current = undefined;
  };
  const begin = (): NonNullable<typeof current> => {
    const opening = indexedDB.open(name, version);
    const opened = new Promise<IDBDatabase>((resolve, reject) => {
      opening.onupgradeneeded = () => upgrade(opening.result, opening.transaction!);
      opening.onerror = () => {
        forget();
        reject(opening.error ?? new DOMException('the database did not open', 'UnknownError'));
      };
      opening.onsuccess = () => {
        const connection = opening.result;
        connection.onclose = forget;
        // Another tab upgrades or deletes the database: holding on would block it.
        connection.onversionchange = ({ newVersion }) => {
          connection.close();
          forget();
          if (newVersion === null) return;
          outdated = true;
          tell();
        };
        resolve(connection);
      };
    });
    const attempt = { answer: opened };
    // Before the watcher's own: whoever hears that nothing is in the way any more asks again at once.
    opened.then(
      () => (attempt.answer = opened),
      () => undefined,
    );
    // One race for all who ask: each would leave its reactions on the part that never settles. Once opened, that counts.
    attempt.answer = Promise.race([opened, watchOpening(name, opening, opened)]);
    return attempt;
  };
  return {
    open: () => (current ??= begin()).answer,
    forget,
  };
}
