// The reference folder on disk, for tests that run in Node. Never part of the app: it imports node modules.

import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '../base/errors';
import { decodeTensors } from './decodeTensors';
import type { ReferenceCase, ReferenceFolder } from './types';

/** The full reference beside the repository, else the reduced copy that every clone has. */
const CANDIDATES = ['../../../shared/reference/cases', '../../e2e/reference'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/**
 * Opens the reference folder: the full one where it exists, else the repository's reduced copy. Tests list the cases
 * they find by kind and must not assume that a particular one is there.
 * @throws reference.missing when neither folder has a manifest.json
 */
export function openTestFolder(): ReferenceFolder {
  const root = CANDIDATES.find((path) => existsSync(join(path, 'manifest.json')));
  check(root !== undefined, 'reference.missing', `no manifest.json in any of: ${CANDIDATES.join(', ')}`);
  const manifest = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as { cases: ReferenceCase[] };
  const bytes = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(root, path)));
  return {
    cases: manifest.cases,
    bytes,
    json: async (path) => JSON.parse(await readFile(join(root, path), 'utf8')) as unknown,
    tensors: async (path) => decodeTensors(await bytes(path), path),
    exists: async (path) => existsSync(join(root, path)),
  };
}
