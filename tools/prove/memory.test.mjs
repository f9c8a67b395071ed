import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { availableBytes, residentBytes, watchBrowser } from './memory.mjs';

const HELD = 96 * 2 ** 20;

/** A process that holds memory and calls itself as Chromium calls its renderers; resolves once it holds it. */
async function startHolder() {
  const script = `const held = Buffer.alloc(${HELD}, 1); process.stdout.write('held'); setInterval(() => held[0], 1e6);`;
  const child = spawn(process.execPath, ['-e', script, '--', '--type=renderer'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test.runIf(process.platform === 'linux')(
  'what a renderer below a process holds is counted, and nothing once it is gone',
  async () => {
    const read = watchBrowser(process.pid);
    const child = await startHolder();
    try {
      expect(residentBytes(child.pid)).toBeGreaterThan(HELD);
      expect(read()).toEqual({ renderer: expect.any(Number), gpu: 0 });
      expect(read().renderer).toBeGreaterThan(HELD);
      expect(watchBrowser(child.pid)().renderer).toBeGreaterThan(HELD);
      // Of another family it is nobody's.
      const stranger = await startHolder();
      expect(watchBrowser(stranger.pid)().renderer).toBeLessThan(2 * HELD);
      stranger.kill();
      expect(availableBytes()).toBeGreaterThan(0);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
    expect(residentBytes(child.pid)).toBe(0);
  },
);
