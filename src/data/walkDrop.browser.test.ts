// Walking a drop: the real file system of the browser where it can be had, more than 100 files in a folder.

import { expect, test } from 'vitest';
import { filesFromDrop, filesFromList, nameOfFiles } from './walkDrop';

/** Dropped plain files, as a page can make them itself. */
function transferOf(...files: File[]): DataTransfer {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  return transfer;
}

test('dropped files keep their names and contents', async () => {
  const transfer = transferOf(new File(['one'], 'a.jsonl'), new File(['two'], 'ä b.png'));
  transfer.items.add('some text', 'text/plain');
  const { files, name } = (await filesFromDrop(transfer))!;
  expect(name).toBe('a.jsonl, ä b.png');
  expect(files.map(({ path }) => path)).toEqual(['a.jsonl', 'ä b.png']);
  expect(await files[1]!.file.text()).toBe('two');
});

test('a drop of text alone is none of files', async () => {
  expect(await filesFromDrop(new DataTransfer())).toBeNull();
});

test('an empty folder brings its name and no files', async () => {
  expect(await filesFromDrop(dropOf(folderEntry('set', [])))).toEqual({ name: 'set', files: [], unread: [] });
});

test('picked files are listed by their relative path, or their name', async () => {
  const transfer = transferOf(new File(['one'], 'a.jsonl'), new File(['two'], 'b.png'));
  expect(filesFromList(transfer.files).map(({ path }) => path)).toEqual(['a.jsonl', 'b.png']);
  const inFolder = new File(['x'], 'c.png');
  Object.defineProperty(inFolder, 'webkitRelativePath', { value: 'set/images/c.png' });
  const files = filesFromList([inFolder] as unknown as FileList);
  expect(files[0]!.path).toBe('set/images/c.png');
  expect(nameOfFiles(files)).toBe('set');
});

/** A folder entry that hands out at most 100 entries a call, as Chromium does; no script can make a real one. */
function folderEntry(name: string, entries: FileSystemEntry[]): FileSystemEntry {
  const createReader = (): unknown => {
    let at = 0;
    return { readEntries: (done: (list: FileSystemEntry[]) => void) => done(entries.slice(at, (at += 100))) };
  };
  return { name, isDirectory: true, isFile: false, createReader } as unknown as FileSystemEntry;
}

function fileEntry(name: string, fails = false): FileSystemEntry {
  const file = (done: (file: File) => void, fail: (error: Error) => void): void =>
    fails ? fail(new DOMException('gone', 'NotFoundError')) : done(new File([name], name));
  return { name, isDirectory: false, isFile: true, file } as unknown as FileSystemEntry;
}

function dropOf(entry: FileSystemEntry): DataTransfer {
  return { items: [{ kind: 'file', webkitGetAsEntry: () => entry }] } as unknown as DataTransfer;
}

test('a folder of 250 files is read to its end, folders in it too', async () => {
  const images = folderEntry(
    'images',
    Array.from({ length: 250 }, (_, i) => fileEntry(`${i}.png`)),
  );
  const { files } = (await filesFromDrop(dropOf(folderEntry('set', [fileEntry('train.jsonl'), images]))))!;
  expect(files).toHaveLength(251);
  expect(files[0]!.path).toBe('set/train.jsonl');
  expect(files[250]!.path).toBe('set/images/249.png');
});

test('an entry that cannot be read is named with its path, and the others are taken', async () => {
  const given = await filesFromDrop(dropOf(folderEntry('set', [fileEntry('a.png', true), fileEntry('b.png')])));
  expect(given?.files.map(({ path }) => path)).toEqual(['set/b.png']);
  expect(given?.unread).toEqual(['set/a.png']);
});
