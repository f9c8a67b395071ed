import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NODE_RANGE, nodeProblem } from './nodeVersion.mjs';
import { inRepository } from './paths.mjs';

test.each(['12.22.12', '18.20.4', '20.18.3', '21.7.3', '22.12.0', '23.11.1'])(
  'Node %s is refused with the versions that are needed',
  (version) => {
    expect(nodeProblem(version)).toContain(NODE_RANGE);
    expect(nodeProblem(version)).toContain(`this is Node ${version}.`);
  },
);

test.each(['20.19.0', '20.20.2', '22.13.0', '22.22.1', '24.0.0', '25.1.0', '30.0.0'])('Node %s is taken', (version) => {
  expect(nodeProblem(version)).toBeNull();
});

test('package.json, its lock and the launcher ask for the same Node', () => {
  const read = (name) => JSON.parse(readFileSync(inRepository(name), 'utf8'));
  expect(read('package.json').engines.node).toBe(NODE_RANGE);
  expect(read('package-lock.json').packages[''].engines.node).toBe(NODE_RANGE);
});

test('the launcher says so before it loads or installs anything', () => {
  const disguise = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.11.0' } });";
  const script = `${disguise} await import(${JSON.stringify(new URL('../run.mjs', import.meta.url).href)});`;
  const found = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(found.status).toBe(1);
  expect(found.stderr).toContain('this is Node 22.11.0.');
  expect(found.stdout).toBe('');
});
