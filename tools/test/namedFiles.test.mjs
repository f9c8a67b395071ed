import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { REPOSITORY } from '../launcher/paths.mjs';

const FOLDERS = ['src', 'tools', 'e2e', 'shaders'];
const CODE = /\.(ts|tsx|mts|mjs|py|wgsl)$/;
const COMMENT = /^\s*(?:\/\/|\*|\/\*\*?|#)\s(.*)/;
/** A file with a suffix of our languages; one of another project is named with that project in front. */
const NAMED = /[\w./*-]*\w\.(?:tsx|ts|mjs|py|wgsl)\b/g;
const FOREIGN = /^(bitsandbytes|trl|peft|transformers|torch|accelerate|qwen_vl_utils)\//;

function filesBelow(folder) {
  const entries = readdirSync(join(REPOSITORY, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && CODE.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

test('every source file that a comment names is there', () => {
  const files = FOLDERS.flatMap(filesBelow);
  const known = new Set([...files.map((file) => basename(file)), ...readdirSync(REPOSITORY)]);
  const missing = files
    .flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, i) =>
          (COMMENT.exec(line)?.[1].match(NAMED) ?? []).map((name) => ({ name, at: `${file}:${i + 1}` })),
        ),
    )
    // NAME stands for any name.
    .filter(({ name }) => !FOREIGN.test(name) && !/\*|NAME/.test(name) && !known.has(basename(name)));
  expect(missing).toEqual([]);
});
