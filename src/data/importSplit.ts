// Decides which rows are for training and which for validation: by file name, else by a seeded ratio.

import type { Split } from '../base/dataset';
import { permutation, STREAM, streamKey } from '../base/random';
import { baseName } from './importPaths';
import type { RowWithImage } from './importImages';

// A whole word, alone or joined to what is commonly written with it: valset, minival, testdev, trainingdata. What is for
// validation may stand in the plural; "validated" means checked rows, which may well be for training.
const TRAIN_WORD = /^(mini)?(train|training)(set|split|data|mini)?$/;
const VAL_WORD =
  /^(mini)?(val|valid|validate|validation|eval|evaluate|evaluation|test|testing|dev)+(set|split|data|mini)?s?$/;

/** Words of a file name in small letters: signs, digits and a capital after a small letter part them. */
function wordsOf(name: string): string[] {
  const parted = name.replace(/(\p{Ll})(?=\p{Lu})|(\p{Lu})(?=\p{Lu}\p{Ll})/gu, '$1$2 ');
  return parted.toLowerCase().match(/\p{L}+/gu) ?? [];
}

/** What a file's name says; null when it says nothing, or both. */
export function splitOfFile(path: string): Split | null {
  const words = wordsOf(baseName(path).replace(/\.[a-z]+$/i, ''));
  const train = words.some((word) => TRAIN_WORD.test(word));
  const val = words.some((word) => VAL_WORD.test(word));
  return train === val ? null : train ? 'train' : 'val';
}

/** Rows grouped so that a group must stay together, chosen in a seeded order until `wanted` rows are reached. */
function chooseByRatio(groups: RowWithImage[][], wanted: number, seed: number): Set<RowWithImage> {
  const chosen = new Set<RowWithImage>();
  for (const at of permutation(groups.length, streamKey(seed, STREAM.split))) {
    const group = groups[at]!;
    if (chosen.size > 0 && chosen.size + group.length > wanted) continue;
    for (const row of group) chosen.add(row);
    if (chosen.size >= wanted) break;
  }
  return chosen;
}

/** A share of `rows` for validation; an image's rows stay on one side, since answers leak through the picture. */
function splitByRatio(rows: RowWithImage[], ratio: number, seed: number): Set<RowWithImage> {
  if (ratio <= 0 || rows.length < 2) return new Set();
  const byImage = new Map<string, RowWithImage[]>();
  for (const row of rows) {
    const same = byImage.get(row.image);
    if (same) same.push(row);
    else byImage.set(row.image, [row]);
  }
  const wanted = Math.min(rows.length - 1, Math.max(1, Math.round(rows.length * ratio)));
  const groups = byImage.size > 1 ? [...byImage.values()] : rows.map((row) => [row]);
  return chooseByRatio(groups, wanted, seed);
}

/**
 * A split per row, in the rows' order. Files whose names hold the word `val`, `valid`, `validation`, `eval`, `test` or
 * `dev`, or its plural, are for validation and all others for training; when no name tells the two apart, rows go by
 * ratio.
 * @param files every file that holds rows, also where none of them has a picture: the rows of another keep their side
 * @param ratio share for validation, 0 to below 1
 */
export function splitRows(rows: RowWithImage[], files: readonly string[], ratio: number, seed: number): Split[] {
  const named = new Map(files.map((file) => [file, splitOfFile(file) ?? 'train']));
  if (new Set(named.values()).size === 2) return rows.map(({ row }) => named.get(row.file) ?? 'train');
  const validation = splitByRatio(rows, ratio, seed);
  return rows.map((entry) => (validation.has(entry) ? 'val' : 'train'));
}
