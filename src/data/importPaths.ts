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
  /** Paths of the folders that pictures lie in, at any depth, each with its slash. */
  folders: Set<string>;
  /** Names of all folders of the drop, also of those without a picture. */
  folderNames: Set<string>;
}

export interface FileIndex {
  exact: Table;
  folded: Table;
  /** How many folders directly hold pictures. */
  holders: number;
}

export interface Match {
  path: string;
  /** It lies where the name says: from the row's file on, or from the top. */
  exact: boolean;
  /** Only letter case or accents' form differ. */
  folded: boolean;
  /** Folders of the name are not in the drop, or the name gives none and the row's file does not tell which either. */
  byName: boolean;
}

export type Found = ({ kind: 'found' } & Match) | { kind: 'ambiguous'; paths: string[] } | { kind: 'missing' };

function push(map: Map<string, string[]>, key: string, path: string): void {
  const list = map.get(key);
  if (list) list.push(path);
  else map.set(key, [path]);
}

/** Every folder that `path` lies in, from the top on, each with its slash. */
function foldersAbove(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index + 1));
}

/** Names of the folders that `path` lies in. */
function folderNamesOf(path: string): string[] {
  return path.split('/').slice(0, -1);
}

function tableOf(pictures: readonly string[], others: readonly string[], form: (path: string) => string): Table {
  const table: Table = { form, byPath: new Map(), byBase: new Map(), folders: new Set(), folderNames: new Set() };
  for (const path of pictures) {
    push(table.byPath, form(path), path);
    push(table.byBase, form(baseName(path)), path);
  }
  const holders = new Set(pictures.map(folderOf));
  for (const folder of holders) for (const above of foldersAbove(form(folder))) table.folders.add(above);
  for (const folder of new Set([...holders, ...others.map(folderOf)])) {
    for (const name of folderNamesOf(form(folder))) table.folderNames.add(name);
  }
  return table;
}

/**
 * Prepares look-ups among `pictures`.
 * @param others paths of what else was dropped: a folder of theirs is one that the drop has
 */
export function indexFiles(pictures: readonly string[], others: readonly string[]): FileIndex {
  return {
    exact: tableOf(pictures, others, (path) => path),
    folded: tableOf(pictures, others, fold),
    holders: new Set(pictures.map(folderOf)).size,
  };
}

/** Whether the name's folder is there, seen from `folder`. Names without a folder say nothing of the kind. */
function hasFolder({ folders }: Table, name: string, folder: string): boolean {
  return name.includes('/') && folders.has(folder + folderOf(name));
}

/** The files that lie where the name says: beside the row's file, else from the top. */
function atPlace(table: Table, name: string, folder: string): string[] {
  const beside = table.byPath.get(folder + name);
  if (beside) return beside;
  return hasFolder(table, name, folder) ? [] : (table.byPath.get(name) ?? []);
}

/**
 * The files deeper in the drop whose paths end as the name, those under the row's folder first. None where the name's
 * folder is in its place and lacks the file: the same folder elsewhere is another.
 */
function deeper(table: Table, name: string, folder: string): string[] {
  if (hasFolder(table, name, folder)) return [];
  const { byBase, form } = table;
  const sameEnd = (byBase.get(baseName(name)) ?? []).filter((path) => endsAlike(form(path), name));
  const near = sameEnd.filter((path) => form(path).startsWith(folder));
  return near.length > 0 || hasFolder(table, name, '') ? near : sameEnd;
}

/**
 * Whether those folders of `name` that the drop has are the ones that `path` lies in, from the innermost out. Where
 * these reach the drop's top folder, what stands before it in the name may be the name of a folder further in.
 */
function agreesOnFolders({ folders, folderNames }: Table, name: string, path: string): boolean {
  const own = folderNamesOf(path);
  const known = folderNamesOf(name).filter((folder) => folderNames.has(folder));
  const outer = known.splice(0, Math.max(0, known.length - own.length));
  const apart = outer.filter((folder) => !own.includes(folder));
  const aboveTop = own.length > 0 && !apart.some((folder) => folders.has(`${folder}/`));
  return (apart.length === 0 || aboveTop) && endsAlike(path, [...known, baseName(path)].join('/'));
}

/** The files that the name ends as, where its first folders are not in the drop; none of its folders may differ. */
function higher(table: Table, name: string, folder: string): string[] {
  if (hasFolder(table, name, folder)) return [];
  return (table.byBase.get(baseName(name)) ?? []).filter((path) => {
    const formed = table.form(path);
    const beside = formed.startsWith(folder) ? formed.slice(folder.length) : formed;
    return (endsAlike(name, formed) || endsAlike(name, beside)) && agreesOnFolders(table, name, formed);
  });
}

/** Whether a name without a folder can mean this file only: it lies beside the row's file, or in the one folder below. */
function isOrdinary(path: string, folder: string, holders: number): boolean {
  return folderOf(path) === folder || (holders === 1 && path.startsWith(folder));
}

/**
 * The file that `name` in a row of `rowFile` means: the one at that path, else the only one whose path ends so (bare
 * names thus match in any folder), the same regardless of letter case and accents' form, else the only one that the
 * name ends as. A file that lies in another folder than the name says is none of these.
 */
export function findFile(index: FileIndex, name: string, rowFile: string): Found {
  const { exact, folded, holders } = index;
  const wanted = plainName(name);
  const bare = !wanted.includes('/');
  const attempts = [
    { search: atPlace, table: exact },
    { search: deeper, table: exact },
    { search: atPlace, table: folded },
    { search: deeper, table: folded },
    { search: higher, table: exact },
    { search: higher, table: folded },
  ];
  for (const { search, table } of attempts) {
    const folder = table.form(folderOf(rowFile));
    const [path, ...more] = search(table, table.form(wanted), folder);
    if (path === undefined) continue;
    if (more.length > 0) return { kind: 'ambiguous', paths: [path, ...more] };
    const atItsPlace = search === atPlace && table === exact;
    const byName = search === higher || (bare && !isOrdinary(table.form(path), folder, holders));
    return { kind: 'found', path, exact: atItsPlace, folded: table === folded, byName };
  }
  return { kind: 'missing' };
}
