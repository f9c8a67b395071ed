// A nearly full disk for tests: the browser's own quota for this origin, set through the DevTools protocol.

import { cdp } from 'vitest/browser';
import { deleteDataset, listDatasets } from '../datasets';
import { opfs } from '../opfs';
import { deleteRun, listRuns } from '../runs';
import { noise } from './noise';

interface Session {
  send(method: string, params: Record<string, unknown>): Promise<unknown>;
}

const MB = 1024 * 1024;
/** Free bytes of the small disk. */
const ROOM = 24 * MB;

let refused = 0;

/** Bytes that the small disk refuses, even when the browser clears all away that earlier tests have deleted. */
export function beyond(): number {
  return refused;
}

async function setQuota(bytes?: number): Promise<void> {
  const params = { origin: location.origin, ...(bytes === undefined ? {} : { quotaSize: bytes }) };
  await (cdp() as unknown as Session).send('Storage.overrideQuotaForOrigin', params);
}

/** Deletes what is stored: all test files share one origin. */
export async function emptyStorage(): Promise<void> {
  for (const { id } of await listDatasets()) await deleteDataset(id);
  for (const { id } of await listRuns()) await deleteRun(id);
  for (const { name } of await opfs.list('ck-')) await opfs.remove(name);
}

/** Whether a file of so many bytes can be written. It is removed again, which frees its space at once. */
async function canWrite(bytes: number): Promise<boolean> {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle('probe', { create: true });
  const stream = await handle.createWritable();
  try {
    await stream.write(noise(bytes));
    await stream.close();
    return true;
  } catch {
    await stream.abort().catch(() => undefined);
    return false;
  } finally {
    await root.removeEntry('probe');
  }
}

/**
 * Empties the storage and leaves `ROOM` bytes free. The limit is set above what is in use: deleted records go on
 * taking space until the browser compacts its files. Chromium trusts for 30 s what it last heard about free space, so
 * this waits until it obeys.
 */
export async function limitStorage(): Promise<void> {
  await emptyStorage();
  for (;;) {
    const { usage = 0 } = await navigator.storage.estimate();
    await setQuota(usage + ROOM);
    refused = Math.min(usage + 2 * ROOM, 600 * MB);
    if (!(await canWrite(refused)) && (await canWrite(ROOM / 2))) return;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}

/** Lifts the limit. */
export async function freeStorage(): Promise<void> {
  await setQuota();
  await emptyStorage();
}
