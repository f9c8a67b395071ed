import { expect, test } from 'vitest';
import { runLanes } from './lanes.mjs';

/** A promise and what ends it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}

test('lanes run at once, and what they write comes out lane by lane, the first at once', async () => {
  const out = [];
  const [first, second] = [gate(), gate()];
  const end = runLanes(
    [
      async (write) => {
        write('a1');
        await first.opened;
        write('a2');
      },
      async (write) => {
        write('b1');
        first.open();
        await second.opened;
        write('b2');
      },
    ],
    (text) => out.push(text),
  );
  await expect.poll(() => out).toEqual(['a1', 'a2', 'b1']);
  second.open();
  await end;
  expect(out).toEqual(['a1', 'a2', 'b1', 'b2']);
});

test('a lane that fails is told after the others have ended', async () => {
  const out = [];
  const end = runLanes(
    [() => Promise.reject(new Error('no')), async (write) => write(await Promise.resolve('done'))],
    (text) => out.push(text),
  );
  await expect(end).rejects.toThrow('no');
  expect(out).toEqual(['done']);
});
