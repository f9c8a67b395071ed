// The demo model as a picked folder, for tests in Node: its files by name, with some of them replaced.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../public/demo/model/', import.meta.url));

/** The folder's files; `changes` adds or replaces files, null removes one. */
export function demoFolder(changes: Record<string, Blob | string | null> = {}): Record<string, Blob> {
  const files: Record<string, Blob> = {};
  for (const name of readdirSync(FOLDER)) files[name] = new Blob([readFileSync(FOLDER + name)]);
  for (const [name, content] of Object.entries(changes)) {
    if (content === null) delete files[name];
    else files[name] = typeof content === 'string' ? new Blob([content]) : content;
  }
  return files;
}

/** A JSON file of the demo model, changed and written again. */
export function changedJson<T>(name: string, change: (value: T) => void): string {
  const value = JSON.parse(readFileSync(FOLDER + name, 'utf8')) as T;
  change(value);
  return JSON.stringify(value);
}

/** Bytes of one of the folder's files. */
export function demoFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(FOLDER + name));
}
