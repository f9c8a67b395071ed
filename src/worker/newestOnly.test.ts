// @vitest-environment node
import { expect, test } from 'vitest';
import { newestOnly } from './newestOnly';

/** Work in two parts that waits between them until it is let go; what was begun and what was ended, by name. */
function steps() {
  const begun: string[] = [];
  const ended: string[] = [];
  const gates = new Map<string, () => void>();
  const ask = newestOnly(async (name: string, goOn) => {
    goOn();
    begun.push(name);
    await new Promise<void>((open) => gates.set(name, open));
    goOn();
    ended.push(name);
    if (name === 'bad') throw new Error('no such thing');
    return `plan of ${name}`;
  });
  return { begun, ended, ask, letGo: (name: string) => gates.get(name)!() };
}

test('what a newer question overtakes ends early, and both come to the newer answer', async () => {
  const { begun, ended, ask, letGo } = steps();
  const answers = [ask('a'), ask('b'), ask('c')];
  for (const name of ['b', 'a', 'c']) letGo(name);
  expect(await Promise.all(answers)).toEqual(['plan of c', 'plan of c', 'plan of c']);
  expect([begun, ended]).toEqual([['a', 'b', 'c'], ['c']]);
});

test('questions one after the other are each answered', async () => {
  const { ask, letGo } = steps();
  for (const name of ['a', 'b']) {
    const answer = ask(name);
    letGo(name);
    expect(await answer).toBe(`plan of ${name}`);
  }
});

test('the newer question’s error is the answer to both, and does not stay', async () => {
  const { ask, letGo } = steps();
  const [first, second] = [ask('a'), ask('bad')];
  const both = Promise.allSettled([first, second]);
  letGo('bad');
  letGo('a');
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const third = ask('b');
  letGo('b');
  expect(await third).toBe('plan of b');
});
