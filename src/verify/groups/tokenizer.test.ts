// @vitest-environment node
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { referenceFolder } from '../../../tools/vite/referencePlugin.mjs';
import type { CheckResult, VerifyContext } from '../../reference/types';
import { verifyTokenizer } from './tokenizer';

const root = referenceFolder();

/** A context over the reference folder whose JSON files can be changed on the way. */
function collect(change: (path: string, value: unknown) => unknown): {
  context: VerifyContext;
  results: CheckResult[];
} {
  const results: CheckResult[] = [];
  const unused = () => Promise.reject(new Error('not needed by this group'));
  const folder = {
    cases: [],
    json: (path: string) => Promise.resolve(change(path, JSON.parse(readFileSync(join(root, path), 'utf8')))),
    bytes: unused,
    tensors: unused,
    exists: unused,
  };
  const context = { folder, report: (result: CheckResult) => void results.push(result), uncovered: () => undefined };
  return { context: { ...context, device: unused }, results };
}

const entry = { id: 'tokenizer', kind: 'tokenizer', path: 'tokenizer', files: [] };

it.skipIf(!existsSync(join(root, 'tokenizer')))('passes on the reference and fails on a wrong id', async () => {
  const good = collect((_, value) => value);
  await verifyTokenizer(good.context, entry);
  expect(good.results.filter((result) => !result.pass)).toEqual([]);
  expect(good.results.length).toBeGreaterThan(200);

  const bad = collect((path, value) => {
    if (path.endsWith('chat_cases.json')) (value as { cases: { ids: number[] }[] }).cases[0]!.ids[3]!++;
    if (path.endsWith('tokenizer_cases.json')) (value as { cases: { decoded: string }[] }).cases[1]!.decoded += '!';
    return value;
  });
  await verifyTokenizer(bad.context, entry);
  expect(bad.results.filter((result) => !result.pass)).toHaveLength(2);
});
