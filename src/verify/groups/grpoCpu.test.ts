import { describe, expect, it } from 'vitest';
import { openTestFolder } from '../../reference/testFolder';
import type { CheckResult, ReferenceCase, VerifyContext } from '../../reference/types';
import { verifyAdvantages, verifyPolicyLosses } from './grpoCpu';

const folder = openTestFolder();

async function collect(
  verify: (context: VerifyContext, entry: ReferenceCase) => Promise<void>,
  entry: ReferenceCase,
): Promise<{ results: CheckResult[]; uncovered: string[] }> {
  const results: CheckResult[] = [];
  const uncovered: string[] = [];
  await verify(
    {
      folder,
      report: (result) => results.push(result),
      uncovered: (name) => uncovered.push(name),
      device: () => Promise.reject(new Error('this group computes on the CPU')),
    },
    entry,
  );
  return { results, uncovered };
}

describe.each(folder.cases.filter((entry) => entry.kind === 'grpo'))('grpo case $id', (entry) => {
  it("equals TRL's advantages and metrics in every case", async () => {
    const { results } = await collect(verifyAdvantages, entry);
    expect(results.filter((result) => !result.pass)).toEqual([]);
    expect(results.length).toBeGreaterThan(0);
  });

  it("equals TRL's losses and metrics in every case, from the stored log-probabilities", async () => {
    const { results, uncovered } = await collect(verifyPolicyLosses, entry);
    expect(results.filter((result) => !result.pass)).toEqual([]);
    expect(results.length).toBeGreaterThan(0);
    expect(uncovered).toEqual([]);
  });
});
