import { expect, it } from 'vitest';
import { openHttpFolder } from '../../reference/httpFolder';
import type { CheckResult } from '../../reference/types';
import { verifyRewards } from './rewards';

it('passes every check of the rewards group with the encoder in the same thread', async () => {
  const folder = await openHttpFolder(new URL('/reference/', location.href).href);
  const results: CheckResult[] = [];
  const uncovered: string[] = [];
  const context = {
    folder,
    report: (result: CheckResult) => results.push(result),
    uncovered: (name: string) => uncovered.push(name),
    device: () => Promise.reject(new Error('this group computes on the CPU')),
  };
  for (const entry of folder.cases.filter(({ kind }) => kind === 'rewards')) await verifyRewards(context, entry);
  expect(results.filter((result) => !result.pass)).toEqual([]);
  expect(results.length).toBeGreaterThanOrEqual(5);
  expect(uncovered).toEqual([]);
});
