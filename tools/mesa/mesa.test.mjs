import { expect, test } from 'vitest';
import { hostProblem } from './mesa.mjs';

test('Mesa is fetched on Debian 12 on amd64 alone; elsewhere one sentence says so', () => {
  const debian12 = { debian: '12', arch: 'x64', sources: true };
  expect(hostProblem(debian12)).toBe(null);
  for (const other of [{ debian: null }, { debian: '13' }, { arch: 'arm64' }]) {
    expect(hostProblem({ ...debian12, ...other })).toMatch(/Debian 12 \(bookworm\) for amd64/);
  }
  expect(hostProblem({ ...debian12, sources: false })).toMatch(/debian\.sources names/);
});
