// Faults between the checkpoint store and disk, and a survey of what they destroy. A store that overwrites in place,
// record first, is here as the control that the survey must catch.

import { sha256Hex } from '../../base/bytes';
import { createCheckpointStore, type CheckpointStore } from '../checkpointStore';
import { deleteRun } from '../runs';
import type { Database } from '../database';
import { opfs, type Files, type OpenFile } from '../opfs';
import { runDatabase } from '../runDatabase';
import { noise } from './noise';

export const FAULTS = [
  'shortWrite', // half is taken, and the count says so
  'lyingWrite', // half is taken, and the count says all
  'flippedByte',
  'throwBeforeFlush',
  'throwInReadBack',
  'throwBeforeCommit',
  'abortedCommit',
] as const;
export type Fault = (typeof FAULTS)[number];

interface Trap {
  armed: Fault | null;
  hits: Fault[];
}

function springs(trap: Trap, fault: Fault): boolean {
  if (trap.armed !== fault) return false;
  trap.hits.push(fault);
  return true;
}

function faultyFile(file: OpenFile, trap: Trap): OpenFile {
  return {
    ...file,
    write: async (bytes, at) => {
      const half = bytes.byteLength >> 1;
      if (springs(trap, 'shortWrite')) return file.write(bytes.subarray(0, half), at);
      if (springs(trap, 'lyingWrite')) {
        await file.write(bytes.subarray(0, half), at);
        return bytes.byteLength;
      }
      if (!springs(trap, 'flippedByte')) return file.write(bytes, at);
      const flipped = bytes.slice();
      flipped[half]! ^= 1;
      return file.write(flipped, at);
    },
    // Lies as well, so that only reading back can tell.
    size: async () => (trap.armed === 'lyingWrite' ? null : file.size()),
    flush: async () => {
      if (springs(trap, 'throwBeforeFlush')) throw new Error('planned: before flush');
      return file.flush();
    },
  };
}

function faultyFiles(files: Files, trap: Trap): Files {
  return {
    ...files,
    open: async (name) => faultyFile(await files.open(name), trap),
    blob: async (name) => {
      const blob = await files.blob(name);
      if (springs(trap, 'throwInReadBack')) throw new Error('planned: while reading back');
      return blob;
    },
  };
}

function faultyDatabase(database: Database, trap: Trap): Database {
  return {
    ...database,
    transact: async (stores, change, durability) => {
      if (springs(trap, 'throwBeforeCommit')) throw new Error('planned: before the commit');
      if (!springs(trap, 'abortedCommit')) return database.transact(stores, change, durability);
      const aborting: typeof change = async (open) => {
        const result = await change(open);
        open(stores[0]!).transaction.abort();
        return result;
      };
      return database.transact(stores, aborting, durability);
    },
  };
}

type Maker = (files: Files, database: Database) => Pick<CheckpointStore, 'save'>;

/** What must fail: one file overwritten in place, its record first, nothing checked. */
const inPlaceStore: Maker = (files, database) => ({
  save: async (runId, [fresh]) => {
    const { bytes, info } = fresh!;
    if (!(bytes instanceof Uint8Array)) throw new Error('the survey gives bytes');
    const file = `ck-${runId}-1-00000000`;
    const facts = { bytes: bytes.byteLength, sha256: await sha256Hex(bytes), createdAt: Date.now() };
    const record = { runId, generation: 1, file, ...info, ...facts };
    await database.transact(['checkpoints'], (open) => void open('checkpoints').put(record, [runId, 1]));
    const opened = await files.open(file);
    try {
      await opened.write(bytes, 0);
      await opened.flush();
      await opened.close();
    } catch (error) {
      await opened.abandon();
      throw error;
    }
    return [record];
  },
});

export const MAKERS: Record<'ours' | 'inPlace', Maker> = { ours: createCheckpointStore, inPlace: inPlaceStore };

export interface Survey {
  /** What was acknowledged and is lost or torn, and files that nothing names. */
  violations: string[];
  /** Faults that really happened. */
  hits: Fault[];
  /** Saves with a fault armed that failed, and those that were acknowledged all the same. */
  refused: number;
  acknowledged: number;
}

async function violationsOf(runId: string, kept: string[], when: string): Promise<string[]> {
  const store = createCheckpointStore(opfs, runDatabase);
  const records = await store.list(runId);
  const sound = new Set<string>();
  for (const record of records) {
    const blob = await store.load(record).catch(() => null);
    if (blob) sound.add(await sha256Hex(new Uint8Array(await blob.arrayBuffer())));
  }
  const lost = kept.filter((hash) => !sound.has(hash)).map((hash) => `${when}: ${hash.slice(0, 8)} is lost`);
  const named = new Set(records.map(({ file }) => file));
  const orphans = (await opfs.list(`ck-${runId}-`)).filter(({ name }) => !named.has(name));
  return [...lost, ...orphans.map(({ name }) => `${when}: ${name} is an orphan`)];
}

/** Saves good checkpoints and, under each fault, one more; after each, all that were acknowledged must still open. */
export async function survey(kind: keyof typeof MAKERS, faults: readonly Fault[], keep: number): Promise<Survey> {
  const trap: Trap = { armed: null, hits: [] };
  const store = MAKERS[kind](faultyFiles(opfs, trap), faultyDatabase(runDatabase, trap));
  const runId = `survey-${crypto.randomUUID()}`;
  const result: Survey = { violations: [], hits: trap.hits, refused: 0, acknowledged: 0 };
  const acknowledged: string[] = [];
  const save = async (step: number): Promise<void> => {
    const bytes = noise(200_000 + 1000 * step);
    await store.save(runId, [{ bytes, info: { stage: 'sft', step, logSeq: step, best: false } }], keep);
    acknowledged.unshift(await sha256Hex(bytes));
  };
  let step = 0;
  for (const fault of [null, ...faults]) {
    await save(++step);
    await save(++step);
    trap.armed = fault;
    const done = await save(++step).then(
      () => true,
      () => false,
    );
    trap.armed = null;
    if (fault && done) result.acknowledged++;
    else if (fault) result.refused++;
    result.violations.push(...(await violationsOf(runId, acknowledged.slice(0, keep), fault ?? 'no fault')));
  }
  await deleteRun(runId);
  return result;
}
