// Finds the file that a row's image name means, among the given files only. Never touches a disk or the network.

const NOT_INSIDE = 'names are matched inside the dropped files only';

/** Why a path is not accepted as one inside the drop; null when it is. */
export function pathFault(path: string): string | null {
  if (path.includes('\0')) return 'it contains a NUL character';
  if (path.includes('\\')) return 'it contains a backslash; write / between folders';
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return `it is an address or a drive; ${NOT_INSIDE}`;
  if (path.startsWith('/')) return `it is an absolute path; ${NOT_INSIDE}`;
  if (path.split('/').includes('..')) return `it leaves its folder (..); ${NOT_INSIDE}`;
  return null;
}

/** Last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Everything before the last part, with its slash; empty for a file at the top. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** Letter case and the two ways to write accents (NFC, NFD) differ between file systems. */
function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

interface Table {
  byPath: Map<string, string[]>;
  byBase: Map<string, string[]>;
}

export interface FileIndex {
  exact: Table;
  folded: Table;
}

export type Found =
  | { kind: 'found'; path: string; /** Only letter case or accents' form differ. */ folded: boolean }
  | { kind: 'ambiguous'; paths: string[] }
  | { kind: 'missing' };

function push(map: Map<string, string[]>, key: string, path: string): void {
  const list = map.get(key);
  if (list) list.push(path);
  else map.set(key, [path]);
}

/** Prepares look-ups among `paths`. */
export function indexFiles(paths: string[]): FileIndex {
  const index: FileIndex = {
    exact: { byPath: new Map(), byBase: new Map() },
    folded: { byPath: new Map(), byBase: new Map() },
  };
  for (const path of paths) {
    push(index.exact.byPath, path, path);
    push(index.exact.byBase, baseName(path), path);
    push(index.folded.byPath, fold(path), path);
    push(index.folded.byBase, fold(baseName(path)), path);
  }
  return index;
}

/** Paths that `name` may mean: beside the row's file, from the top, ending alike, or of the same last part. */
function candidates(table: Table, name: string, folder: string, form: (path: string) => string): string[] {
  for (const path of [folder + name, name]) {
    const same = table.byPath.get(path);
    if (same) return same;
  }
  const sameBase = table.byBase.get(baseName(name)) ?? [];
  const sameEnd = sameBase.filter((path) => form(path).endsWith(`/${name}`));
  if (sameEnd.length === 0) return sameBase;
  const near = sameEnd.filter((path) => form(path).startsWith(folder));
  return near.length > 0 ? near : sameEnd;
}

/**
 * The file that `name` in a row of `rowFile` means: the exact relative path, else the only file with that end or that
 * last part, else the same regardless of letter case and accents' form.
 */
export function findFile(index: FileIndex, name: string, rowFile: string): Found {
  const wanted = name.replace(/^(\.\/)+/, '');
  const folder = folderOf(rowFile);
  const exact = candidates(index.exact, wanted, folder, (path) => path);
  const found = exact.length > 0 ? exact : candidates(index.folded, fold(wanted), fold(folder), fold);
  const [path, ...others] = found;
  if (path === undefined) return { kind: 'missing' };
  if (others.length > 0) return { kind: 'ambiguous', paths: found };
  return { kind: 'found', path, folded: exact.length === 0 };
}
