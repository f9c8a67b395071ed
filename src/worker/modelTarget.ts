// Where the download worker puts a model: this browser's own storage, or a folder on disk that the user picked.

import { blobPieces } from '../base/blobBytes';
import { check, LorikeetError } from '../base/errors';
import { hubModelKey, type HubFile, type HubModel } from '../base/hubModel';
import { countBytes } from '../base/intervals';
import { hasherOf } from '../hub/hashing';
import type { FilePlace } from '../hub/modelDownload';
import { dropPart, lookInFolder, openFolderPart, publishPart, type PartPlace } from '../storage/modelFolderPart';
import { openJournal, type FolderJournal } from '../storage/modelFolderJournal';
import { modelLock } from '../storage/modelDatabase';
import { enterFolder, findFolderModel, folderLock, noteFolderModel, type FolderRecord } from '../storage/modelFolders';
import { takenError } from '../storage/modelFolderErrors';
import { fillFile } from '../storage/modelParts';
import { lackOfRoom, putModel, wholeFile } from '../storage/modelStore';

export interface ModelTarget {
  /** Of the model's record. */
  key: string;
  /** Keeps others away; in a folder of any other model, too. */
  lock: string;
  /** Opens it, alone with the model. @throws hub.room, storage.*, folder.* */
  begin(): Promise<FilePlace>;
  /** All files are whole. */
  end(): Promise<void>;
}

/** Refuses what plainly has no room. @throws hub.room */
async function checkRoom(model: HubModel): Promise<void> {
  const lack = await lackOfRoom(model);
  const gb = (bytes: number): string => (bytes / 1e9).toFixed(1);
  check(
    !lack,
    'hub.room',
    `${model.id} needs ${gb(lack?.missing ?? 0)} GB more; this browser offers ${gb(lack?.free ?? 0)} GB.`,
    'Free disk space; or download it into a folder on a disk that has room, here where the browser can, else by ' +
      `\`hf download ${model.id} --revision ${model.commit} --local-dir model\`, and choose that folder.`,
  );
}

/** This browser's own storage. */
export function browserTarget(model: HubModel): ModelTarget {
  return {
    key: hubModelKey(model),
    lock: modelLock(hubModelKey(model)),
    begin: async () => {
      await checkRoom(model);
      await putModel(model);
      return { has: async (file) => (await wholeFile(file)) !== null, fill: fillFile };
    },
    end: async () => undefined,
  };
}

/** Bytes in memory at a time. */
const PIECE_BYTES = 8 * 1024 * 1024;

/**
 * Hash of a file as the hub lists it. @param heard hears how many bytes have been read
 * @throws file.unreadable, the signal's reason
 */
export async function hashBlob(
  blob: Blob,
  file: HubFile,
  signal: AbortSignal,
  heard: (bytes: number) => void,
): Promise<string> {
  const hasher = hasherOf(file);
  let done = 0;
  try {
    for await (const piece of blobPieces(blob, PIECE_BYTES)) {
      signal.throwIfAborted();
      hasher.update(piece);
      heard((done += piece.byteLength));
    }
  } catch (error) {
    signal.throwIfAborted();
    const message = `${file.name} could not be read after byte ${done} (${String(error)}).`;
    throw new LorikeetError('file.unreadable', message, 'It may have been changed meanwhile: try again.');
  }
  return hasher.digest();
}

/**
 * Whether the folder has the file whole: one that nobody has checked is read.
 * @throws folder.taken when another file has its name
 */
async function hasFile(
  { folder, journal }: PartPlace,
  file: HubFile,
  signal: AbortSignal,
  heard: (bytes: number) => void,
): Promise<boolean> {
  const there = await lookInFolder(folder, file.name);
  // An empty one is what a copy that was cut leaves.
  if (!there || (there.size === 0 && file.bytes > 0)) return false;
  const message = `The folder “${folder.name}” has another file ${file.name} than the hub lists`;
  if (there.size !== file.bytes) throw takenError(`${message}: ${there.size} bytes, expected ${file.bytes}.`);
  if (journal.wasWhole(file, there.lastModified)) return true;
  const found = await hashBlob(there, file, signal, heard);
  if (found !== file.hash) throw takenError(`${message}: its hash is ${found}, expected ${file.hash}.`);
  // Copied to its name by a browser that died before its part was gone.
  if (journal.knows(file.name)) await dropPart(folder, file);
  await journal.put(file, [], there.lastModified);
  return true;
}

/** A journal that also notes in the model's record how much is on disk, and whose word does not count for some files. */
function noting(journal: FolderJournal, { key, model, doubted }: FolderRecord): FolderJournal {
  const unread = new Set(doubted ?? model.files.map(({ name }) => name));
  const arrived = new Map(model.files.map((file) => [file.name, countBytes(journal.done(file))]));
  return {
    ...journal,
    wasWhole: (file, modifiedAt) => {
      const whole = !unread.has(file.name) && journal.wasWhole(file, modifiedAt);
      if (whole) arrived.set(file.name, file.bytes);
      return whole;
    },
    put: async (file, done, wholeAt) => {
      await journal.put(file, done, wholeAt);
      arrived.set(file.name, wholeAt === null ? countBytes(done) : file.bytes);
      if (wholeAt !== null) unread.delete(file.name);
      const sum = [...arrived.values()].reduce((a, b) => a + b, 0);
      // The folder's own journal is what counts: a browser without room for a word of its own is no reason to stop.
      const change = { arrived: sum, whole: false, doubted: [...unread] };
      await noteFolderModel(key, change).catch(() => undefined);
    },
  };
}

/**
 * A folder on disk.
 * @param root that the user picked @param keepBytes between two closes of a file
 * @throws folder.*, storage.*
 */
export async function folderTarget(
  model: HubModel,
  root: FileSystemDirectoryHandle,
  keepBytes: number,
): Promise<ModelTarget> {
  const record = await enterFolder(root, model);
  const { key, folder } = record;
  let journal: FolderJournal | null = null;
  return {
    key,
    lock: folderLock(record),
    begin: async () => {
      // Read when nobody else is at it: a check may have ended meanwhile.
      const now = await findFolderModel(key).catch(() => record);
      journal = noting(await openJournal(folder, model), now);
      const place: PartPlace = { folder, journal, keepBytes };
      return {
        has: (file, signal, heard) => hasFile(place, file, signal, heard),
        fill: async (file, _signal, work) => {
          const part = await openFolderPart(place, file);
          await work(part).finally(() => part.end());
          await place.journal.put(file, [], await publishPart(folder, file));
        },
      };
    },
    end: async () => {
      await journal?.remove();
      // As above: the files are whole, whatever is known of them here.
      await noteFolderModel(key, { arrived: model.bytes, whole: true, doubted: [] }).catch(() => undefined);
    },
  };
}
