// The demo's model as a repository of the hub, with bytes from disk.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../public/demo/model/', import.meta.url));

/** Name to bytes of all files of the demo's model, and of some that a run does not need. */
export function demoRepository(): Record<string, Buffer> {
  const files = Object.fromEntries(readdirSync(FOLDER).map((name) => [name, readFileSync(FOLDER + name)]));
  return { ...files, 'README.md': Buffer.from('# A model'), 'vocab.json': Buffer.from('{}') };
}
