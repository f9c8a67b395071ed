// One file of a model while it is written into a folder on disk. There a stream writes to a copy that takes the file's
// place only when it is closed: so it is closed at bounded distances, and the journal names what was closed.

import type { HubFile } from '../base/hubModel';
import { blobBytes } from '../base/blobBytes';
import { check } from '../base/errors';
import { clipIntervals, type Interval } from '../base/intervals';
import { fileIn, removeFrom } from './folder';
import { createGathering, type Gathering } from './modelWrites';
import { folderError, inFolder, takenError } from './modelFolderErrors';
import type { FolderJournal } from './modelFolderJournal';

export const FOLDER_PART_ENDING = '.part';

/** A part that is open for writing; see PartFile of the hub. */
export interface FolderPart {
  done: Interval[];
  keepBytes: number;
  readable: 'kept';
  write(bytes: Uint8Array, at: number): Promise<void>;
  read(at: number, length: number): Promise<Uint8Array>;
  keep(done: readonly Interval[]): Promise<void>;
  restart(): Promise<void>;
  /** Lets go of what is open; what was not kept is lost. Never throws. */
  end(): Promise<void>;
}

/** Where a part is written. */
export interface PartPlace {
  folder: FileSystemDirectoryHandle;
  journal: FolderJournal;
  /** Bytes between two closes. */
  keepBytes: number;
}

/** One after the other. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}

/** A stream that writes on from what the file holds. Another tab or page that has one open is told apart. */
async function openStream(folder: FileSystemDirectoryHandle, name: string): Promise<FileSystemWritableFileStream> {
  const handle = await folder.getFileHandle(name, { create: true });
  const options: FileSystemCreateWritableOptions & { mode: 'exclusive' } = {
    keepExistingData: true,
    mode: 'exclusive',
  };
  return handle.createWritable(options);
}

/** @param memory as blobBytes has it */
async function readBack(
  folder: FileSystemDirectoryHandle,
  name: string,
  [at, length]: [number, number],
  memory: ArrayBuffer | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  // Each close makes another file of it: one that was opened before can no longer be read.
  const file = await (await folder.getFileHandle(name)).getFile();
  const bytes = await blobBytes(file.slice(at, at + length), memory);
  const message = `reading ${name} back: ${bytes.byteLength} of ${length} bytes at byte ${at}`;
  check(
    bytes.byteLength === length,
    'folder.failed',
    message,
    'Something else has changed the file; go on to fetch it anew.',
  );
  return bytes;
}

/** A file of the folder; null where there is none. @throws folder.taken where a folder has its name, folder.* */
export function lookInFolder(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  return inFolder(`looking for ${name}`, folder.name, fileIn(folder, name));
}

/** What the journal says of the part, cut to what the file really holds. @throws folder.taken for a stranger's file */
async function begin({ folder, journal }: PartPlace, file: HubFile, name: string): Promise<Interval[]> {
  const there = await fileIn(folder, name);
  if (there && !journal.knows(file.name)) {
    throw takenError(`The folder “${folder.name}” has a file ${name} that is not of a download of Lorikeet.`);
  }
  const size = there?.size ?? 0;
  const done = size > file.bytes ? [] : clipIntervals(journal.done(file), size);
  // Before the part is there: what the journal does not name is a stranger's.
  await journal.put(file, done, null);
  // What a browser that died was writing.
  await removeFrom(folder, `${name}.crswap`).catch(() => undefined);
  // The part of another content.
  if (there && done.length === 0) await removeFrom(folder, name);
  return done;
}

/**
 * Opens the part of a file, to go on from what the journal says.
 * @throws folder.*; also from its methods
 */
export async function openFolderPart(place: PartPlace, file: HubFile): Promise<FolderPart> {
  const { folder, journal, keepBytes } = place;
  const name = file.name + FOLDER_PART_ENDING;
  const what = `writing ${name}`;
  const inTurn = createQueue();
  let stream: FileSystemWritableFileStream | null = null;
  /** A stream that failed has lost what was not closed, and a new one would not know it. */
  let broken: { error: unknown } | null = null;
  const gathering = createGathering();
  /** What was read into last. */
  let memory: ArrayBuffer | undefined;
  const abandon = async (): Promise<void> => {
    const open = stream;
    stream = null;
    gathering.drain();
    await open?.abort().catch(() => undefined);
  };
  const put = async (runs: ReturnType<Gathering['drain']>): Promise<void> => {
    for (const { at, bytes } of runs) {
      stream ??= await openStream(folder, name);
      await stream.write({ type: 'write', position: at, data: bytes });
    }
  };
  const orBroken = async (work: () => Promise<void>): Promise<void> => {
    if (broken) throw broken.error;
    try {
      await work();
    } catch (cause) {
      const error = folderError(cause, what, folder.name);
      broken = { error };
      await abandon();
      throw error;
    }
  };
  return {
    done: await inFolder(what, folder.name, begin(place, file, name)),
    keepBytes,
    readable: 'kept',
    write: (bytes, position) => inTurn(() => orBroken(() => put(gathering.add(bytes, position)))),
    read: (at, length) =>
      inTurn(async () => {
        const work = readBack(folder, name, [at, length], memory);
        const bytes = await inFolder(`reading ${name} back`, folder.name, work);
        memory = bytes.buffer;
        return bytes;
      }),
    keep: (done) =>
      inTurn(async () => {
        // Its failure has been told; the journal stays at what was closed.
        if (broken) return;
        await orBroken(async () => {
          await put(gathering.drain());
          const open = stream;
          stream = null;
          await open?.close();
          await journal.put(file, done, null);
        });
      }),
    restart: () =>
      inTurn(async () => {
        await abandon();
        broken = null;
        await journal.put(file, [], null);
        await inFolder(`removing ${name}`, folder.name, removeFrom(folder, name));
      }),
    end: () => inTurn(abandon),
  };
}

/** As the browser has it for files of this folder; on disks some have none. */
type Movable = FileSystemFileHandle & { move?(name: string): Promise<void> };

async function copyTo(folder: FileSystemDirectoryHandle, from: File, name: string): Promise<void> {
  const target = await (await folder.getFileHandle(name, { create: true })).createWritable();
  // The copy has its name and its bytes at once, when the stream closes.
  await from.stream().pipeTo(target);
}

/** @throws folder.taken for a file of the name; an empty one is what a copy that was cut leaves, and goes */
async function clearName(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  const taken = await fileIn(folder, name);
  if (taken && taken.size > 0) throw takenError(`The folder “${folder.name}” has a file ${name} by now.`);
  if (taken) await removeFrom(folder, name);
}

/** Removes the part of a file that is whole without it. Errors: folder.* */
export function dropPart(folder: FileSystemDirectoryHandle, { name }: HubFile): Promise<void> {
  const part = name + FOLDER_PART_ENDING;
  return inFolder(`removing ${part}`, folder.name, removeFrom(folder, part));
}

/**
 * Gives a part that had its hash the file's name.
 * @returns when the file was last modified @throws folder.taken when another has the name by now, folder.*
 */
export async function publishPart(folder: FileSystemDirectoryHandle, { name, bytes }: HubFile): Promise<number> {
  const work = async (): Promise<number> => {
    await clearName(folder, name);
    const partName = name + FOLDER_PART_ENDING;
    // Of an empty file nothing was written.
    const part: Movable = await folder.getFileHandle(partName, { create: bytes === 0 });
    const moved = await part.move?.(name).then(
      () => true,
      () => false,
    );
    if (moved !== true) {
      // The copy would take the place of what has come under that name: that may be why it could not be moved.
      await clearName(folder, name);
      await copyTo(folder, await part.getFile(), name);
      await removeFrom(folder, partName);
    }
    const file = await (await folder.getFileHandle(name)).getFile();
    check(
      file.size === bytes,
      'folder.failed',
      `${name} has ${file.size} bytes, expected ${bytes}`,
      'Go on to fetch it anew.',
    );
    return file.lastModified;
  };
  return inFolder(`naming ${name}`, folder.name, work());
}
