// Files of one folder of the browser's private file system. Reaches nothing but the folder that it is given.

function isMissing(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotFoundError';
}

/** A file of the folder; null where there is none. */
export async function fileIn(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Removes a file; does nothing where there is none. */
export async function removeFrom(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  try {
    await folder.removeEntry(name);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** The folder's own files whose names begin with `prefix`, and their sizes. */
export async function listFolder(
  folder: FileSystemDirectoryHandle,
  prefix = '',
): Promise<{ name: string; bytes: number }[]> {
  const found: { name: string; bytes: number }[] = [];
  for await (const [name, handle] of folder.entries()) {
    if (!name.startsWith(prefix) || handle.kind !== 'file') continue;
    // A file that vanishes meanwhile, or is being written, still counts as present.
    const bytes = await handle.getFile().then(
      (file) => file.size,
      () => 0,
    );
    found.push({ name, bytes });
  }
  return found;
}
