// Reads, and for the control damages, what a run has stored: straight from the browser's storage, without the app.

import { createHash } from 'node:crypto';
import type { Page } from 'playwright';
import type { RunEvent } from '../../src/protocol/messages';
import { CLOCKS } from '../clocks';

const DATABASE = 'lorikeet-runs';

export interface StoredRun {
  /** sha256 of adapter_model.safetensors. */
  adapter: string;
  /** Steps, groups and evaluations in order, without clocks. */
  log: string[];
}

function withoutClocks(event: RunEvent): string | null {
  if (event.type !== 'step' && event.type !== 'groups' && event.type !== 'evaluation') return null;
  const { time: _time, seq: _seq, runId: _runId, ...rest } = event;
  if (rest.type !== 'step') return JSON.stringify(rest);
  const metrics = Object.fromEntries(Object.entries(rest.metrics).filter(([name]) => !CLOCKS.test(name)));
  return JSON.stringify({ ...rest, metrics });
}

interface CheckpointPlace {
  stage: string;
  step: number;
}

/** A run's rows of three stores; events as JSON, because NaN does not survive the way out of the page. */
function readRows(
  page: Page,
  runId: string,
): Promise<{ events: string; adapter: number[]; checkpoints: CheckpointPlace[] }> {
  return page.evaluate(
    async ({ name, id }) => {
      const done = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error!);
        });
      const database = await done(indexedDB.open(name));
      const read = database.transaction(['events', 'artifacts', 'checkpoints']);
      const ofRun = IDBKeyRange.bound([id], [id, []]);
      const [events, adapter, checkpoints] = await Promise.all([
        done(read.objectStore('events').getAll(ofRun)),
        done(read.objectStore('artifacts').get([id, 'adapter_model.safetensors'])) as Promise<Uint8Array | undefined>,
        done(read.objectStore('checkpoints').getAll(ofRun)) as Promise<CheckpointPlace[]>,
      ]);
      database.close();
      return { events: JSON.stringify(events), adapter: Array.from(adapter ?? []), checkpoints };
    },
    { name: DATABASE, id: runId },
  );
}

/** What a finished run has left. */
export async function readStoredRun(page: Page, runId: string): Promise<StoredRun> {
  const { events, adapter } = await readRows(page, runId);
  const log = (JSON.parse(events) as RunEvent[]).map(withoutClocks).filter((line) => line !== null);
  return { adapter: createHash('sha256').update(Uint8Array.from(adapter)).digest('hex'), log };
}

/** Where the newest checkpoint stands; null without one. */
export async function newestCheckpoint(page: Page, runId: string): Promise<CheckpointPlace | null> {
  return (await readRows(page, runId)).checkpoints.at(-1) ?? null;
}

/**
 * Makes the newest checkpoint what a broken writer would have left: whole by its hash, but with the optimizer's first
 * moment forgotten.
 */
export async function forgetMoments(page: Page, runId: string): Promise<void> {
  await page.evaluate(
    async ({ name, id }) => {
      const done = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error!);
        });
      const database = await done(indexedDB.open(name));
      const range = IDBKeyRange.bound([id], [id, []]);
      type Record = { file: string; generation: number; sha256: string };
      const all = (await done(
        database.transaction('checkpoints').objectStore('checkpoints').getAll(range),
      )) as Record[];
      const record = all[all.length - 1]!;
      const root = await navigator.storage.getDirectory();
      const handle = await root.getFileHandle(record.file);
      const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
      const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as {
        [tensor: string]: { data_offsets: [number, number] };
      };
      const [start, end] = header['adapter.moment1']!.data_offsets;
      bytes.fill(0, 8 + headerLength + start, 8 + headerLength + end);
      const writable = await handle.createWritable();
      await writable.write(bytes);
      await writable.close();
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
      const write = database.transaction('checkpoints', 'readwrite').objectStore('checkpoints');
      await done(write.put({ ...record, sha256 }, [id, record.generation]));
      database.close();
    },
    { name: DATABASE, id: runId },
  );
}
