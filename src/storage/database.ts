// Opens one IndexedDB database with several stores and runs transactions on them. Knows nothing of what is stored.
// Every write waits for the transaction's end: a full disk shows only there (no request fails before).

import type { UseStore } from 'idb-keyval';
import { LorikeetError } from '../base/errors';
import { createConnection } from './connection';

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

/** Gives failures of a read their names; `what` says which operation failed. */
export function reading<T>(what: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw storageError(error, what);
  });
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

/** Makes what is missing; stores that are there keep their data. */
function addStores(stores: readonly string[], lists: Record<string, string>) {
  return (database: IDBDatabase, transaction: IDBTransaction): void => {
    for (const name of stores) {
      const present = database.objectStoreNames.contains(name);
      const store = present ? transaction.objectStore(name) : database.createObjectStore(name);
      const field = lists[name];
      if (field === undefined || store.indexNames.contains(field)) continue;
      store.createIndex(field, field, { multiEntry: true });
    }
  };
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
 * @param version raise it with every new store or index; stores of older versions keep their data
 * @param lists by store, a field that holds a list of keys: an index of the field's name finds the values by each
 * @throws LorikeetError storage.quota, storage.newer, storage.blocked, storage.failed from its methods
 */
export function openDatabase(
  name: string,
  stores: string[],
  version = 1,
  lists: Record<string, string> = {},
): Database {
  const connection = createConnection(name, version, addStores(stores, lists));
  const begin = async (
    names: string[],
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
  ): Promise<IDBTransaction> => {
    for (let attempt = 0; ; attempt++) {
      const opened = await connection.open();
      try {
        return opened.transaction(names, mode, { durability });
      } catch (error) {
        connection.forget();
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
