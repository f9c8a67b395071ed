// Dropped or picked files and folders -> a flat list of files with paths. For the page; reads no content.

import type { InputFile } from '../base/dataset';
import { LorikeetError } from '../base/errors';

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function batchOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

async function walkFolder(folder: FileSystemDirectoryEntry, path: string, out: InputFile[]): Promise<void> {
  const reader = folder.createReader();
  // Chromium hands out at most 100 entries a call: the end is an empty list, not a short one.
  for (let batch = await batchOf(reader); batch.length > 0; batch = await batchOf(reader)) {
    for (const entry of batch) await walkEntry(entry, path, out);
  }
}

async function walkEntry(entry: FileSystemEntry, folder: string, out: InputFile[]): Promise<void> {
  const path = folder + entry.name;
  try {
    if (entry.isDirectory) await walkFolder(entry as FileSystemDirectoryEntry, `${path}/`, out);
    else out.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new LorikeetError(
      'file.unreadable',
      `${path} cannot be read (${detail})`,
      'Check the folder and drop it again.',
    );
  }
}

/**
 * All files of a drop, folders walked to the bottom. Call it in the drop handler itself: the list of items is empty
 * once the handler has returned, so they are collected before the first wait.
 * @throws file.unreadable naming the path
 */
export async function filesFromDrop(transfer: DataTransfer): Promise<InputFile[]> {
  const found: (FileSystemEntry | File)[] = [];
  for (const item of transfer.items) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry() ?? item.getAsFile();
    if (entry) found.push(entry);
  }
  const out: InputFile[] = [];
  for (const item of found) {
    if (item instanceof File) out.push({ path: item.name, file: item });
    else await walkEntry(item, '', out);
  }
  return out;
}

/** All files of an `<input type="file">`, with `webkitdirectory` or without. */
export function filesFromList(list: FileList): InputFile[] {
  return Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}
