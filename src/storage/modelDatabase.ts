// The database of models from the hub: what is known of each model, which files are whole, how far parts have come, and
// which models lie in folders on disk.

import type { Interval } from '../base/intervals';
import { openDatabase } from './database';

/** A file that had its hash when it was checked. */
export interface WholeFile {
  /** Its name in the store: the hash. */
  name: string;
  bytes: number;
  /** Epoch milliseconds. */
  checkedAt: number;
}

/** The journal of a file that is being fetched. */
export interface PartRecord {
  name: string;
  /** Intervals of bytes that are on disk. */
  done: Interval[];
}

export const modelDatabase = openDatabase('lorikeet-models', ['models', 'files', 'parts', 'folders'], 2);

/** The folder of the browser's private file system that holds them. */
export const MODEL_FOLDER = 'models';
export const PART_ENDING = '.part';

/** Held while a model is fetched, checked or deleted. */
export function modelLock(key: string): string {
  return `lorikeet-model-${key}`;
}

/** Held while one file is written or removed: two models may share it. */
export function modelFileLock(name: string): string {
  return `lorikeet-model-file-${name}`;
}
