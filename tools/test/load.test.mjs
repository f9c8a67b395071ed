// The load that tests run under.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';

const STARTER = `
  import { startLoad } from ${JSON.stringify(new URL('load.mjs', import.meta.url).href)};
  startLoad();
  console.log('started');
  setInterval(() => {}, 1000);
`;

/** Processes whose parent is `pid`. */
function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

function isRunning(pid) {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

it.runIf(process.platform === 'linux')(
  'the load ends with the process that started it, however that dies',
  async () => {
    const starter = spawn(process.execPath, ['--input-type=module', '-e', STARTER]);
    await once(starter.stdout, 'data');
    const loops = childrenOf(starter.pid);
    expect(loops.length).toBeGreaterThan(0);
    expect(loops.every(isRunning)).toBe(true);
    starter.kill('SIGKILL');
    await vi.waitUntil(() => !loops.some(isRunning), { timeout: 60_000 });
  },
);
