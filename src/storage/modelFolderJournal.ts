// The journal of a download into a folder on disk: a small file in the folder that says which model it is, which files
// had their hash, and what of the others is on disk. It goes when the model is whole.

import * as v from 'valibot';
import type { HubFile, HubModel } from '../base/hubModel';
import { addInterval, type Interval } from '../base/intervals';
import { fileIn, removeFrom } from './folder';
import { inFolder } from './modelFolderErrors';

const JOURNAL_NAME = '.lorikeet-download.json';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Piece = v.pipe(
  v.strictTuple([Count, Count]),
  v.check(([from, end]) => from < end),
);
const Entry = v.strictObject({
  algorithm: v.picklist(['sha256', 'gitSha1']),
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{40,64}$/)),
  bytes: Count,
  /** Intervals of the part that are on disk. */
  done: v.array(Piece),
  /** When the file that had its hash was last modified, epoch milliseconds; null while it is none. */
  wholeAt: v.nullable(v.number()),
});
const Journal = v.strictObject({
  version: v.literal(1),
  id: v.string(),
  commit: v.string(),
  files: v.record(v.string(), Entry),
});

type Entry = v.InferOutput<typeof Entry>;

/** What is known of the files of one folder. */
export interface FolderJournal {
  /** What is on disk of a file's part, as far as the journal is about the same content. */
  done(file: HubFile): Interval[];
  /** Whether the part of that name is of a download that is not at its end, whatever its content. */
  knows(name: string): boolean;
  /** Whether the file that was modified then had its hash. */
  wasWhole(file: HubFile, modifiedAt: number): boolean;
  /** Notes and writes it. Errors: folder.* */
  put(file: HubFile, done: readonly Interval[], wholeAt: number | null): Promise<void>;
  /** Removes the journal's file. Errors: folder.* */
  remove(): Promise<void>;
}

/** The journal's text as it was parsed; null for what is none: the hashes then decide alone. */
function parse(text: string): v.InferOutput<typeof Journal> | null {
  try {
    return v.parse(Journal, JSON.parse(text));
  } catch {
    return null;
  }
}

async function read(folder: FileSystemDirectoryHandle): Promise<v.InferOutput<typeof Journal> | null> {
  const file = await inFolder(`reading ${JOURNAL_NAME}`, folder.name, fileIn(folder, JOURNAL_NAME));
  return file && parse(await inFolder(`reading ${JOURNAL_NAME}`, folder.name, file.text()));
}

/** The model whose download the folder has a journal of; null without one. Errors: folder.* */
export async function journalModel(folder: FileSystemDirectoryHandle): Promise<Pick<HubModel, 'id' | 'commit'> | null> {
  return read(folder);
}

async function write(folder: FileSystemDirectoryHandle, text: string): Promise<void> {
  const handle = await folder.getFileHandle(JOURNAL_NAME, { create: true });
  // The file is replaced in one step, at the end: a cut leaves the journal as it was.
  const stream = await handle.createWritable();
  await stream.write(text);
  await stream.close();
}

/** The journal of a folder; empty where it has none. Errors: folder.* */
export async function openJournal(folder: FileSystemDirectoryHandle, model: HubModel): Promise<FolderJournal> {
  const files = new Map(Object.entries((await read(folder))?.files ?? {}));
  const same = ({ name, hash, bytes }: HubFile): Entry | null => {
    const entry = files.get(name);
    return entry?.hash === hash && entry.bytes === bytes ? entry : null;
  };
  return {
    done: (file) =>
      (same(file)?.done ?? []).reduce<Interval[]>(
        (all, [from, end]) => addInterval(all, [from, Math.min(end, file.bytes)]),
        [],
      ),
    // What is whole has no part any more.
    knows: (name) => files.get(name)?.wholeAt === null,
    wasWhole: (file, modifiedAt) => same(file)?.wholeAt === modifiedAt,
    put: async ({ name, algorithm, hash, bytes }, done, wholeAt) => {
      files.set(name, {
        algorithm,
        hash,
        bytes,
        done: done.map(([from, end]): [number, number] => [from, end]),
        wholeAt,
      });
      const { id, commit } = model;
      const text = JSON.stringify({ version: 1, id, commit, files: Object.fromEntries(files) }, null, 1);
      await inFolder(`writing ${JOURNAL_NAME}`, folder.name, write(folder, text));
    },
    remove: () => inFolder(`removing ${JOURNAL_NAME}`, folder.name, removeFrom(folder, JOURNAL_NAME)),
  };
}
