// The folder of copies as tests look at it and damage it.

import { deleteCopy, copyFolder, listCopies } from '../modelCopies';

/** Names and sizes of all files of the folder. */
export async function copyFiles(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for await (const [name, handle] of (await copyFolder()).entries()) {
    found[name] = (await (handle as FileSystemFileHandle).getFile()).size;
  }
  return found;
}

/** Puts a file into the folder, in the place of one that is there. */
export async function putCopyFile(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const stream = await (await (await copyFolder()).getFileHandle(name, { create: true })).createWritable();
  await stream.write(bytes);
  await stream.close();
}

/** Changes what a file holds. */
export async function changeCopyFile(
  name: string,
  change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
): Promise<void> {
  const file = await (await (await copyFolder()).getFileHandle(name)).getFile();
  await putCopyFile(name, change(new Uint8Array(await file.arrayBuffer())));
}

/** Removes all copies and whatever else lies in their folder. */
export async function emptyCopies(): Promise<void> {
  for (const { key } of await listCopies()) await deleteCopy(key);
  const folder = await copyFolder();
  for (const name of Object.keys(await copyFiles())) await folder.removeEntry(name);
}
