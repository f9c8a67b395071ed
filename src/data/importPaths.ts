// Finds the file that a row's image name means, among the given files only. Never touches a disk or the network.

const NOT_INSIDE = 'names are matched inside the dropped files only';

/** Why a path is not accepted as one inside the drop; null when it is. */
export function pathFault(path: string): string | null {
  if (path.includes('\\')) return 'it contains a backslash; write / between folders';
  if (path.startsWith('/')) return `it is an absolute path; ${NOT_INSIDE}`;
  if (/^[a-z]:/i.test(path)) return `it names a drive; ${NOT_INSIDE}`;
  return nameFault(path);
}

/** Why an image name in a row is refused; null when it may be looked up. Absolute and Windows paths may. */
export function nameFault(name: string): string | null {
  if (name.includes('\0')) return 'it contains a NUL character';
  if (/^[a-z][a-z0-9+.-]+:/i.test(name)) return `it is an address; ${NOT_INSIDE}`;
  if (name.split(/[/\\]/).includes('..')) return `it leaves its folder (..); ${NOT_INSIDE}`;
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

/** Whether `end` is all of `path` or its last parts. */
export function endsAlike(path: string, end: string): boolean {
  return path === end || path.endsWith(`/${end}`);
}

/** An image name as a path: `/` between folders, no drive, nothing before the first folder. */
export function plainName(name: string): string {
  const slashed = name.replaceAll('\\', '/').replace(/^[a-z]:/i, '');
  return slashed
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** A path without what differs between file systems: letter case, and the two ways to write accents (NFC, NFD). */
export function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

interface Table {
  form: (path: string) => string;
  byPath: Map<string, string[]>;
  byBase: Map<string, string[]>;
}

export interface FileIndex {
  exact: Table;
  folded: Table;
  /** How many folders the files lie in. */
  folders: number;
}

export interface Match {
  path: string;
  /** It lies where the name says: from the row's file on, or from the top. */
  exact: boolean;
  /** Only letter case or accents' form differ. */
  folded: boolean;
  /** Folders of the name are not in the drop, or the name gives none and the files lie in several. */
  byName: boolean;
}

export type Found = ({ kind: 'found' } & Match) | { kind: 'ambiguous'; paths: string[] } | { kind: 'missing' };

function push(map: Map<string, string[]>, key: string, path: string): void {
  const list = map.get(key);
  if (list) list.push(path);
  else map.set(key, [path]);
}

function tableOf(paths: string[], form: (path: string) => string): Table {
  const table: Table = { form, byPath: new Map(), byBase: new Map() };
  for (const path of paths) {
    push(table.byPath, form(path), path);
    push(table.byBase, form(baseName(path)), path);
  }
  return table;
}

/** Prepares look-ups among `paths`. */
export function indexFiles(paths: string[]): FileIndex {
  return {
    exact: tableOf(paths, (path) => path),
    folded: tableOf(paths, fold),
    folders: new Set(paths.map(folderOf)).size,
  };
}

/** The files that lie where the name says: beside the row's file, else from the top. */
function atPlace({ byPath }: Table, name: string, folder: string): string[] {
  return byPath.get(folder + name) ?? byPath.get(name) ?? [];
}

/** The files deeper in the drop whose paths end as the name, those under the row's folder first. */
function deeper({ byBase, form }: Table, name: string, folder: string): string[] {
  const sameEnd = (byBase.get(baseName(name)) ?? []).filter((path) => endsAlike(form(path), name));
  const near = sameEnd.filter((path) => form(path).startsWith(folder));
  return near.length > 0 ? near : sameEnd;
}

/** The files that the name ends as, where its first folders are not in the drop; none of its folders may differ. */
function higher({ byBase, form }: Table, name: string, folder: string): string[] {
  return (byBase.get(baseName(name)) ?? []).filter((path) => {
    const formed = form(path);
    const beside = formed.startsWith(folder) ? formed.slice(folder.length) : formed;
    return endsAlike(name, formed) || endsAlike(name, beside);
  });
}

/**
 * The file that `name` in a row of `rowFile` means: the one at that path, else the only one whose path ends so (bare
 * names thus match in any folder), the same regardless of letter case and accents' form, else the only one that the
 * name ends as. A file that lies in another folder than the name says is none of these.
 */
export function findFile(index: FileIndex, name: string, rowFile: string): Found {
  const { exact, folded, folders } = index;
  const wanted = plainName(name);
  const folder = folderOf(rowFile);
  const bare = !wanted.includes('/') && folders > 1;
  const attempts = [
    { search: atPlace, table: exact, byName: false },
    { search: deeper, table: exact, byName: bare },
    { search: atPlace, table: folded, byName: false },
    { search: deeper, table: folded, byName: bare },
    { search: higher, table: exact, byName: true },
    { search: higher, table: folded, byName: true },
  ];
  for (const { search, table, byName } of attempts) {
    const found = search(table, table.form(wanted), table.form(folder));
    if (found.length > 1) return { kind: 'ambiguous', paths: found };
    const atItsPlace = search === atPlace && table === exact;
    if (found.length === 1) {
      return { kind: 'found', path: found[0]!, exact: atItsPlace, folded: table === folded, byName };
    }
  }
  return { kind: 'missing' };
}
