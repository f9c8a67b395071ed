// Opens one IndexedDB database with several stores and runs transactions on them. Knows nothing of what is stored.
// Every write waits for the transaction's end: a full disk shows only there (no request fails before).

import type { UseStore } from 'idb-keyval';
import { LorikeetError } from '../base/errors';

export interface Database {
  /** A store in the form that idb-keyval's functions take. */
  store(name: string): UseStore;
  /**
   * Runs `change` in one transaction over `stores`; all of it is kept or nothing.
   * `change` may await requests of this transaction only. `relaxed` does not wait for the disk itself.
   */
  transact<T>(
    stores: string[],
    change: (open: (name: string) => IDBObjectStore) => Promise<T> | T,
    durability?: 'strict' | 'relaxed',
  ): Promise<T>;
}

/** Turns what IndexedDB reports into a named error; `what` says which operation failed. */
export function storageError(cause: unknown, what: string): LorikeetError {
  if (cause instanceof LorikeetError) return cause;
  const name = cause instanceof Error ? cause.name : '';
  const detail = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  if (name === 'QuotaExceededError') {
    return new LorikeetError(
      'storage.quota',
      `${what}: this browser has no more room for Lorikeet (${detail}).`,
      'Free disk space, or delete a dataset or a run here, then try again. Nothing that was stored before has changed.',
    );
  }
  if (name === 'VersionError') {
    return new LorikeetError(
      'storage.newer',
      `${what}: the stored data was written by a newer version of Lorikeet.`,
      'Reload the page to get the newer version.',
    );
  }
  return new LorikeetError(
    'storage.failed',
    `${what}: the browser's storage failed (${detail}).`,
    'Reload the page and try again; a private window may forbid storage.',
  );
}

/** The result of one request. */
export function request<T>(pending: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    pending.onsuccess = () => resolve(pending.result);
    pending.onerror = () => reject(pending.error!);
  });
}

function transactionEnd(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException('aborted', 'AbortError'));
  });
}

function connect(name: string, version: number, stores: string[], onClosed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = () => {
      const present = opening.result.objectStoreNames;
      for (const store of stores) if (!present.contains(store)) opening.result.createObjectStore(store);
    };
    opening.onerror = () => reject(opening.error!);
    opening.onsuccess = () => {
      const connection = opening.result;
      connection.onclose = onClosed;
      // Another tab upgrades or deletes the database: holding on would block it.
      connection.onversionchange = () => {
        connection.close();
        onClosed();
      };
      resolve(connection);
    };
  });
}

async function runChange<T>(
  transaction: IDBTransaction,
  change: (open: (name: string) => IDBObjectStore) => Promise<T> | T,
): Promise<T> {
  const end = transactionEnd(transaction);
  // Awaited below; until then a rejection must not count as unhandled.
  end.catch(() => undefined);
  try {
    const result = await change((name) => transaction.objectStore(name));
    await end;
    return result;
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // Already finished or aborted: then its own error is the better one.
      await end;
    }
    throw error;
  }
}

/**
 * A handle on database `name` with the object stores `stores` (keys are given with each value). Opens on first use,
 * and again after the browser closed the connection.
 * @param version raise it with every new store; stores of older versions keep their data
 * @throws LorikeetError storage.quota, storage.newer, storage.failed from its methods
 */
export function openDatabase(name: string, stores: string[], version = 1): Database {
  let connection: Promise<IDBDatabase> | undefined;
  const forget = (): void => {
    connection = undefined;
  };
  const begin = async (
    names: string[],
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
  ): Promise<IDBTransaction> => {
    for (let attempt = 0; ; attempt++) {
      connection ??= connect(name, version, stores, forget);
      try {
        return (await connection).transaction(names, mode, { durability });
      } catch (error) {
        forget();
        // A handle that the browser closed behind our back throws InvalidStateError: once more with a new one.
        const stale = error instanceof DOMException && error.name === 'InvalidStateError';
        if (!stale || attempt > 0) throw error;
      }
    }
  };
  return {
    store: (store) => async (mode, callback) => callback((await begin([store], mode, 'default')).objectStore(store)),
    transact: async (names, change, durability = 'strict') => {
      try {
        return await runChange(await begin(names, 'readwrite', durability), change);
      } catch (error) {
        throw storageError(error, `writing to ${name}`);
      }
    },
  };
}
