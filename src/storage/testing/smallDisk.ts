// A nearly full disk for tests: the browser's own quota for this origin, set through the DevTools protocol.

import { cdp } from 'vitest/browser';
import { deleteDataset, listDatasets } from '../datasets';
import { opfs } from '../opfs';
import { deleteRun, listRuns, putArtifacts } from '../runs';

interface Session {
  send(method: string, params: Record<string, unknown>): Promise<unknown>;
}

const MB = 1024 * 1024;
/** Free bytes of the small disk. */
const ROOM = 24 * MB;
/** What a test can hold in memory several times over. */
const MOST = 600 * MB;

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

/** Whether IndexedDB takes a byte more; files of OPFS obey a new quota at once. */
async function takesAByte(): Promise<boolean> {
  const taken = await putArtifacts('probe', { byte: Uint8Array.of(1) }).then(
    () => true,
    () => false,
  );
  await deleteRun('probe');
  return taken;
}

async function waitUntilItTakesAByte(wanted: boolean): Promise<void> {
  while ((await takesAByte()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 1000));
}

/**
 * Empties the storage and leaves `ROOM` bytes free, above what is in use: deleted records go on taking space until the
 * browser compacts its files. IndexedDB trusts for 30 s what it last heard about free space, and asks again as soon as
 * that is not enough: so it is first made to hear that there is none. A byte at a time, for what a probe writes would
 * itself go on taking space.
 */
export async function limitStorage(): Promise<void> {
  await emptyStorage();
  await setQuota(1);
  await waitUntilItTakesAByte(false);
  const { usage = 0 } = await navigator.storage.estimate();
  await setQuota(usage + ROOM);
  await waitUntilItTakesAByte(true);
  // More than the whole quota, so that nothing the browser clears away makes room for it.
  refused = Math.min(usage + 2 * ROOM, MOST);
}

/** Lifts the limit. */
export async function freeStorage(): Promise<void> {
  await setQuota();
  await emptyStorage();
}
