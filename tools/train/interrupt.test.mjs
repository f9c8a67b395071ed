import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { Interrupted, watchInterrupts, workThenClose } from './interrupt.mjs';

const MODULE = JSON.stringify(new URL('./interrupt.mjs', import.meta.url).href);
const children = [];
afterEach(() => {
  children.splice(0).forEach((child) => child.kill('SIGKILL'));
  // The end of the process that a second signal waits for, too.
  vi.clearAllTimers();
  vi.useRealTimers();
});

/** A process that waits for work that never ends, and with `running` is in a run that stops when told. */
function watcher(running) {
  const script = `
    const { Interrupted, watchInterrupts } = await import(${MODULE});
    const interruption = watchInterrupts();
    const alive = setInterval(() => {}, 1000);
    let end;
    const run = new Promise((resolve) => (end = resolve));
    if (${running !== null}) interruption.during(() => { console.log('stopping'); if (${running === 'stops'}) end(); });
    console.log('ready');
    const how = await interruption.until(run).then(() => 'saved', (error) => error instanceof Interrupted && 'cut');
    console.log(how, interruption.wanted);
    clearInterval(alive);
    interruption.unwatch();
    process.exitCode = how === 'cut' ? 130 : 0;`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  children.push(child);
  let text = '';
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ end: code ?? signal, text })));
  const says = (word) =>
    new Promise((resolve) => {
      const look = () => text.includes(word) && resolve();
      child.stdout.on('data', look);
      look();
    });
  child.stdout.on('data', (part) => (text += part));
  return { child, ended, says };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s ends at once what is no run', async (signal) => {
  const { child, ended, says } = watcher(null);
  await says('ready');
  child.kill(signal);
  expect(await ended).toEqual({ end: 130, text: 'ready\ncut true\n' });
});

test.each([
  ['what Playwright throws in a page that closes', '/x/node_modules/playwright-core/lib/coreBundle.js', 130],
  ['an error of our own', '/x/tools/train/train.mjs', 1],
])('%s after a signal does, or does not, decide how the process ends', async (_, file, code) => {
  // As Playwright's: thrown out of an event, by its own code.
  const stack = `Error: Object with guid page@1 was not bound in the connection\n    at Connection.dispatch (${file}:1:2)`;
  const script = `
    const { watchInterrupts } = await import(${MODULE});
    const interruption = watchInterrupts();
    setInterval(() => {}, 1000);
    console.log('ready');
    await interruption.until(new Promise(() => {})).catch(() => {});
    setImmediate(() => { throw Object.assign(new Error('lost'), { stack: ${JSON.stringify(stack)} }); });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    console.log('closed');
    process.exit(130);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  children.push(child);
  let text = '';
  let told = '';
  child.stderr.on('data', (part) => (told += part));
  child.stdout.on('data', (part) => {
    text += part;
    if (text === 'ready\n') child.kill('SIGTERM');
  });
  const end = await new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  expect([end, text]).toEqual([code, code === 130 ? 'ready\nclosed\n' : 'ready\n']);
  expect(told.includes('page@1')).toBe(code === 1);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s stops a run and lets it save', async (signal) => {
  const { child, ended, says } = watcher('stops');
  await says('ready');
  child.kill(signal);
  expect(await ended).toEqual({ end: 0, text: 'ready\nstopping\nsaved true\n' });
});

test('a run that does not stop is ended by further signals', async () => {
  const { child, ended, says } = watcher('hangs');
  await says('ready');
  child.kill('SIGINT');
  await says('stopping');
  const again = setInterval(() => child.kill('SIGTERM'), 100);
  const { end, text } = await ended;
  clearInterval(again);
  expect(end).toBe(130);
  expect(text).toBe('ready\nstopping\ncut true\n');
});

test('a signal within 700 ms of the first is its echo, and a later one ends the run', async () => {
  vi.useFakeTimers();
  const terminal = new EventEmitter();
  const interruption = watchInterrupts(terminal);
  const stop = vi.fn();
  interruption.during(stop);
  const cut = vi.fn();
  interruption.until(new Promise(() => {})).catch(cut);
  terminal.emit('SIGINT');
  await vi.advanceTimersByTimeAsync(700);
  terminal.emit('SIGINT');
  await vi.advanceTimersByTimeAsync(1);
  expect(stop).toHaveBeenCalledTimes(1);
  expect(cut).not.toHaveBeenCalled();
  terminal.emit('SIGINT');
  await vi.advanceTimersByTimeAsync(0);
  expect(cut).toHaveBeenCalledWith(expect.any(Interrupted));
  expect(stop).toHaveBeenCalledTimes(1);
});

test('work that a signal ends is over, with all that it still writes, before what follows its end', async () => {
  const order = [];
  let close;
  const closed = new Promise((resolve) => (close = resolve));
  const work = closed.then(async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    order.push('written');
    throw new Error('closed');
  });
  const ending = workThenClose(
    () => Promise.reject(new Interrupted()),
    work,
    async () => close(),
  );
  await expect(ending).rejects.toThrow(Interrupted);
  order.push('released');
  expect(order).toEqual(['written', 'released']);
});
