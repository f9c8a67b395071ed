import { expect, test } from 'vitest';
import { runTogether } from './sideBySide.mjs';

/** A promise and what ends it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}

test('two tasks run at once, the next when one has ended, and what they write comes out in their order', async () => {
  const out = [];
  const begun = [];
  const gates = [gate(), gate(), gate()];
  const tasks = gates.map(({ opened }, i) => async (write) => {
    begun.push(i);
    write(`${i} begins`);
    await opened;
    write(`${i} ends`);
  });
  const end = runTogether(tasks, (text) => out.push(text), 2);
  await expect.poll(() => begun).toEqual([0, 1]);
  expect(out).toEqual(['0 begins']);
  gates[1].open();
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  expect(out).toEqual(['0 begins']);
  gates[0].open();
  await expect.poll(() => out).toEqual(['0 begins', '0 ends', '1 begins', '1 ends', '2 begins']);
  gates[2].open();
  await end;
  expect(out.at(-1)).toBe('2 ends');
});

test('a task that fails is told after the others have ended', async () => {
  const out = [];
  const tasks = [() => Promise.reject(new Error('no')), async (write) => write(await Promise.resolve('done'))];
  await expect(runTogether(tasks, (text) => out.push(text), 1)).rejects.toThrow('no');
  expect(out).toEqual(['done']);
});
