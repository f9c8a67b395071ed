// Whether this browser's storage can be used, and whether it keeps what is stored.

import { create } from 'zustand';
import { toErrorRecord, type ErrorRecord } from '../../base/errors';
import { blockedError, type StorageStatus } from '../../storage/connection';

/** `kept`: only the user can clear it. `mayClear`: the browser may, when space runs short. */
export type Keeping = 'kept' | 'mayClear';

export interface StorageView extends StorageStatus {
  /** null until the browser has been asked, or where it cannot be. */
  keeping: Keeping | null;
}

export const useStorage = create<StorageView>(() => ({ blocked: false, outdated: false, keeping: null }));

export const BLOCKED: ErrorRecord = toErrorRecord(blockedError());

export const OUTDATED: ErrorRecord = {
  code: 'storage.newer',
  message: 'Another tab has opened a newer version of Lorikeet, which has taken over the stored data.',
  hint: 'Reload this tab; until then it can store nothing.',
};

let asking: Promise<void> | null = null;

async function ask(): Promise<void> {
  const { storage } = navigator;
  if (typeof storage?.persist !== 'function') return;
  const kept = (await storage.persisted()) || (await storage.persist());
  useStorage.setState({ keeping: kept ? 'kept' : 'mayClear' });
}

/**
 * Asks the browser to keep what this page stores, unless it does already. Call it when something worth keeping is
 * about to be stored: a browser may say no at first and yes later. Never throws: a refusal leaves things as they were.
 */
export function askToKeep(): Promise<void> {
  asking ??= ask()
    .catch(() => undefined)
    .finally(() => (asking = null));
  return asking;
}
