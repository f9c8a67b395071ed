// Folders on disk that a user lets the page work in (File System Access). The types of these calls are not among
// TypeScript's own; Chrome and Edge have them, others do not.

export type FolderMode = 'read' | 'readwrite';

interface AskingHandle extends FileSystemDirectoryHandle {
  requestPermission(options: { mode: FolderMode }): Promise<PermissionState>;
}

interface Picking {
  showDirectoryPicker?: (options: { id: string; mode: FolderMode }) => Promise<FileSystemDirectoryHandle>;
}

/** Whether this browser lets people pick a folder to write into. */
export function canPickFolder(): boolean {
  return typeof (globalThis as Picking).showDirectoryPicker === 'function';
}

/** Lets the user pick a folder to write into, in a click; null when that was called off. Errors: the browser's own. */
export async function pickFolder(id: string): Promise<FileSystemDirectoryHandle | null> {
  try {
    return (await (globalThis as Picking).showDirectoryPicker?.({ id, mode: 'readwrite' })) ?? null;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    throw error;
  }
}

/** Asks for the folder anew, in a click; nobody is asked for what is granted still. @returns whether it is granted */
export async function allowFolder(folder: FileSystemDirectoryHandle, mode: FolderMode): Promise<boolean> {
  return (await (folder as AskingHandle).requestPermission({ mode })) === 'granted';
}
