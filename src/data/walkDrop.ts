// Dropped or picked files and folders -> a flat list of files with paths. For the page; reads no content.

import type { InputFile } from '../base/dataset';

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function batchOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/** What a drop brought. */
export interface Given {
  /** What was dropped, for messages. */
  name: string;
  files: InputFile[];
  /** Paths that the browser names but does not let the page read. */
  unread: string[];
}

/** Adds an entry's files to `out`; an entry that cannot be read costs itself only. */
async function walkEntry(entry: FileSystemEntry, folder: string, out: Given): Promise<void> {
  const path = folder + entry.name;
  try {
    if (entry.isFile) return void out.files.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // Chromium hands out at most 100 entries a call: the end is an empty list, not a short one.
    for (let batch = await batchOf(reader); batch.length > 0; batch = await batchOf(reader)) {
      for (const inner of batch) await walkEntry(inner, `${path}/`, out);
    }
  } catch {
    out.unread.push(path);
  }
}

/** What to call files: by their topmost folders or names; empty for none. */
export function nameOfFiles(files: readonly InputFile[]): string {
  return nameOf(files.map(({ path }) => path.split('/')[0] ?? path));
}

function nameOf(names: string[]): string {
  const tops = [...new Set(names)];
  return tops.length > 3 ? `${tops.slice(0, 2).join(', ')} and ${tops.length - 2} more` : tops.join(', ');
}

/**
 * All files of a drop, folders walked to the bottom; null when nothing of it is a file or a folder. Call it in the drop
 * handler itself: the list of items is empty once the handler has returned, so they are collected before the first wait.
 */
export async function filesFromDrop(transfer: DataTransfer): Promise<Given | null> {
  const found: (FileSystemEntry | File)[] = [];
  for (const item of transfer.items) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry() ?? item.getAsFile();
    if (entry) found.push(entry);
  }
  if (found.length === 0) return null;
  const out: Given = { name: nameOf(found.map(({ name }) => name)), files: [], unread: [] };
  for (const item of found) {
    if (item instanceof File) out.files.push({ path: item.name, file: item });
    else await walkEntry(item, '', out);
  }
  return out;
}

/** All files of an `<input type="file">`, with `webkitdirectory` or without. */
export function filesFromList(list: FileList): InputFile[] {
  return Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}
