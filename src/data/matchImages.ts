// Which image file each row means. A row whose picture is not certain is left out and reported: training on another
// picture than the row's would go unnoticed. Reads no file.

import type { NonEmpty } from '../base/nonEmpty';
import type { Match } from './importPaths';
import { endsAlike, findFile, fold, folderOf, indexFiles, nameFault, plainName } from './importPaths';
import type { ProblemList } from './importProblems';
import type { FileRow } from './rowsFile';
import type { SourceFile } from './sourceFile';

/** The rows of one file that name their image in the same words, and what was found for it. */
interface Claim {
  rows: NonEmpty<FileRow>;
  match: Match;
}

const MAX_LISTED = 20;

/** Lists by key, in order of first use. */
function groupBy<T>(items: Iterable<T>, key: (item: T) => string): Map<string, NonEmpty<T>> {
  const groups = new Map<string, NonEmpty<T>>();
  for (const item of items) {
    const list = groups.get(key(item));
    if (list) list.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** How many rows use an image, for messages. */
export function usedBy(rows: readonly FileRow[]): string {
  return rows.length === 1 ? '1 row uses it' : `${rows.length} rows use it`;
}

function reportMissing(missing: NonEmpty<FileRow>[], images: number, problems: ProblemList): void {
  for (const rows of missing.slice(0, MAX_LISTED)) {
    const { file, line, image } = rows[0];
    const message = `image "${image}" is not among the dropped files (${usedBy(rows)})`;
    problems.add({ level: 'error', code: 'image.missing', file, line, message });
  }
  const unlisted = missing[MAX_LISTED];
  if (unlisted) {
    const { file, line } = unlisted[0];
    const message = `${missing.length} images are missing in all; the first ${MAX_LISTED} are listed`;
    problems.add({ level: 'error', code: 'image.missingCount', file, line, message });
  }
  const [first] = missing;
  if (!first || images > 0) return;
  const message =
    'there is no picture among the dropped files; browsers pass over links without a word: give the files themselves';
  problems.add({ level: 'error', code: 'image.none', file: first[0].file, message });
}

/** Whether two claims on one file may both be right. `claim` was not found at its place. */
function agrees(claim: Claim, other: Claim): boolean {
  const nameOf = ({ rows }: Claim): string => plainName(rows[0].image).normalize('NFC');
  const [name, otherName] = [nameOf(claim), nameOf(other)];
  if (claim.rows[0].file === other.rows[0].file) {
    // Within one file of rows two names are two pictures, but for a longer and a shorter path to the same folder.
    const shorter = name.length < otherName.length ? name : otherName;
    return name === otherName || (shorter.includes('/') && endsAlike(name, shorter) && endsAlike(otherName, shorter));
  }
  const [folded, otherFolded] = [fold(name), fold(otherName)];
  if (!endsAlike(folded, otherFolded) && !endsAlike(otherFolded, folded)) return false;
  // The picture at its place beside the rows of another dataset is that dataset's.
  const [folder, otherFolder] = [folderOf(claim.rows[0].file), folderOf(other.rows[0].file)];
  const apart = !folder.startsWith(otherFolder) && !otherFolder.startsWith(folder);
  return !(apart && other.match.exact);
}

/** Claims that stand; those on a picture that other rows mean by another name are reported. */
function settle(claims: Claim[], problems: ProblemList): Claim[] {
  return claims.filter((claim) => {
    if (claim.match.exact) return true;
    const rival = claims.find((other) => other !== claim && !agrees(claim, other));
    if (!rival) return true;
    const { file, line, image } = claim.rows[0];
    const theirs = `"${rival.rows[0].image}" in ${rival.rows[0].file}, line ${rival.rows[0].line}`;
    const found = `image "${image}" may be ${claim.match.path}, but so may ${theirs} (${usedBy(claim.rows)})`;
    const message = `${found}; add the missing picture, or write the same path for the same picture`;
    problems.add({ level: 'error', code: 'image.ambiguous', file, line, message });
    return false;
  });
}

function reportSpelling({ rows, match }: Claim, problems: ProblemList): void {
  if (!match.folded) return;
  const { file, line, image } = rows[0];
  const message = `image "${image}" is taken to be ${match.path}: letter case or accents are written differently`;
  problems.add({ level: 'warning', code: 'image.spelling', file, line, message });
}

/** One note for each file of rows: how many rows' folders told nothing. */
function reportByName(claims: Claim[], problems: ProblemList): void {
  const loose = claims.filter(({ match }) => match.byName);
  for (const [file, list] of groupBy(loose, ({ rows }) => rows[0].file)) {
    const count = list.reduce((sum, { rows }) => sum + rows.length, 0);
    const [{ rows, match }] = list;
    const who = count === 1 ? '1 row was' : `${count} rows were`;
    const example = `"${rows[0].image}" in line ${rows[0].line} is taken to be ${match.path}`;
    const message = `${who} matched to a picture by file name alone: ${example}`;
    problems.add({ level: 'warning', code: 'image.byName', file, message });
  }
}

/**
 * Rows by the path of the image file that they mean; rows without one are reported.
 * @param images every image file of the drop
 * @param others paths of what else was dropped
 */
export function matchImages(
  rows: FileRow[],
  images: SourceFile[],
  others: readonly string[],
  problems: ProblemList,
): Map<string, NonEmpty<FileRow>> {
  const paths = images.map(({ path }) => path);
  const index = indexFiles(paths, others);
  const claims: Claim[] = [];
  const missing: NonEmpty<FileRow>[] = [];
  for (const group of groupBy(rows, (row) => JSON.stringify([row.file, row.image])).values()) {
    const { file, line, image } = group[0];
    const fault = nameFault(image);
    const found = fault === null ? findFile(index, image, file) : null;
    if (found === null) {
      const message = `image name "${image}" is refused: ${fault} (${usedBy(group)})`;
      problems.add({ level: 'error', code: 'image.path', file, line, message });
    } else if (found.kind === 'missing') {
      missing.push(group);
    } else if (found.kind === 'ambiguous') {
      const message = `image "${image}" may be ${found.paths.slice(0, 3).join(' or ')}; write the folder too`;
      problems.add({ level: 'error', code: 'image.ambiguous', file, line, message });
    } else claims.push({ rows: group, match: found });
  }
  reportMissing(missing, images.length, problems);
  const settled = [...groupBy(claims, ({ match }) => match.path).values()].flatMap((same) => settle(same, problems));
  for (const claim of settled) reportSpelling(claim, problems);
  reportByName(settled, problems);
  const byPath = groupBy(settled, ({ match }) => match.path);
  return new Map([...byPath].map(([path, list]) => [path, list.flatMap((claim) => claim.rows) as NonEmpty<FileRow>]));
}
