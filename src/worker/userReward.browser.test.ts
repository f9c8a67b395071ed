import { afterEach, describe, expect, it } from 'vitest';
import type { Reward, RewardBatch } from '../rewards/reward';
import { userRewardWorker } from '../rewards/userRewardWorker';
import { createUserReward } from '../rewards/userReward';
import { rewardFunctions } from './rewardFunctions';

const batch: RewardBatch = {
  completions: ['<answer>red</answer>', '<answer>red</answer>'],
  answers: ['red', 'blue'],
  questions: ['q0', 'q1'],
  thoughts: ['t0', 't1'],
  lengths: [5, 40],
  maxCompletionLength: 40,
};

/** Ends what hangs; a script of these tests takes milliseconds, on a busy machine seconds. */
const PATIENCE_MS = 60_000;

const workers: Worker[] = [];
const rewards: Reward[] = [];
afterEach(() => {
  for (const reward of rewards.splice(0)) reward.dispose?.();
  workers.length = 0;
  onSpawn = () => {};
});

/** Hears of each worker as it is started. */
let onSpawn: (worker: Worker) => void = () => {};

function spawn(): Worker {
  const worker = userRewardWorker.spawn();
  workers.push(worker);
  onSpawn(worker);
  return worker;
}

function rewardOf(javascript: string, timeoutMs = PATIENCE_MS): Reward {
  const reward = createUserReward({ name: 'mine', javascript }, { ...userRewardWorker, spawn, timeoutMs });
  rewards.push(reward);
  return reward;
}

const score = (body: string): Promise<(number | null)[]> => rewardOf(`function score(batch) { ${body} }`).score(batch);

it('scores in one worker, which starts with the first call', async () => {
  const reward = rewardOf('function scoreRow(row) { return row.completion.includes(row.answer) ? 1 : NaN; }');
  expect(workers.length).toBe(0);
  expect(await Promise.all([reward.score(batch), reward.score(batch)])).toEqual([
    [1, null],
    [1, null],
  ]);
  expect(workers.length).toBe(1);
});

it('names the line of what is not JavaScript', async () => {
  const text = 'function score(batch) {\n  const x = ;\n}';
  await expect(rewardOf(text).score(batch)).rejects.toMatchObject({
    code: 'reward.syntax',
    message: expect.stringContaining('line 2') as string,
  });
  await expect(rewardOf('function score() {\n  return [').score(batch)).rejects.toMatchObject({
    message: expect.stringContaining('line 2') as string,
  });
});

it('says by a field of its error which reward failed, whatever the message is', async () => {
  const failing = rewardOf('function score() { throw new Error("no"); }').score(batch);
  await expect(failing).rejects.toMatchObject({ code: 'reward.threw', detail: { reward: 'mine' } });
});

it('names the line and completion of what a script throws, and a wrong value or count', async () => {
  const text = 'function scoreRow(row, i) {\n  if (i === 1) null.x;\n  return 0;\n}';
  const message = /TypeError in line 2 on completion 2 of 2/;
  await expect(rewardOf(text).score(batch)).rejects.toMatchObject({
    code: 'reward.threw',
    message: expect.stringMatching(message) as string,
  });
  await expect(score('return [1]')).rejects.toMatchObject({ code: 'reward.count' });
  await expect(score('return [1, Infinity]')).rejects.toMatchObject({ code: 'reward.value' });
});

it.each(['for (;;) {}', 'await new Promise(() => {})'])(
  'stops a script that hangs in its function: %s',
  async (body) => {
    const reward = rewardOf(`async function score() { ${body} }`, 300);
    await expect(reward.score(batch)).rejects.toMatchObject({
      code: 'reward.timeout',
      message: 'Reward "mine" took longer than 0.3 s for 2 completions and was stopped.',
    });
  },
);

it('stops a script that hangs before it defines anything, and starts a new worker for the next call', async () => {
  const reward = rewardOf('while (true);', 300);
  await expect(reward.score(batch)).rejects.toMatchObject({ code: 'reward.timeout' });
  await expect(reward.score(batch)).rejects.toMatchObject({ code: 'reward.timeout' });
  expect(workers.length).toBe(2);
});

it('goes on with a new worker after a failure', async () => {
  const reward = rewardOf('function score(batch) { return batch.questions[0] === "bad" ? 1 : [1, 2]; }');
  await expect(reward.score({ ...batch, questions: ['bad', ''] })).rejects.toMatchObject({ code: 'reward.value' });
  expect(await reward.score(batch)).toEqual([1, 2]);
});

it('ends with dispose, and a call in flight says so', async () => {
  const started = new Promise<Worker>((resolve) => (onSpawn = resolve));
  const reward = rewardOf('while (true);');
  const call = reward.score(batch);
  const worker = await started;
  // Told that it is ready, the reward sends the script; then the call is in flight.
  await new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
  reward.dispose?.();
  await expect(call).rejects.toMatchObject({ code: 'reward.stopped' });
});

it('says that a worker whose script is missing did not start', async () => {
  const broken = createUserReward(
    { name: 'mine', javascript: '' },
    { ...userRewardWorker, spawn: () => new Worker('/no/such/worker.js', { type: 'module' }) },
  );
  await expect(broken.score(batch)).rejects.toMatchObject({ code: 'reward.worker' });
});

it('starts no worker where the server does not guard its script', async () => {
  const refusal = async () => ({ code: 'reward.unguarded', message: 'off' });
  const reward = createUserReward({ name: 'mine', javascript: 'function score() {}' }, { spawn, refusal });
  await expect(reward.score(batch)).rejects.toMatchObject({ code: 'reward.unguarded' });
  expect(workers.length).toBe(0);
});

it('does not mind an error that a script leaves behind', async () => {
  const text = `function score() {
    setTimeout(() => { globalThis.thrown = 1; throw new Error("late"); });
    Promise.reject(1);
    return [globalThis.thrown ?? 0, 0];
  }`;
  const reward = rewardOf(text);
  expect(await reward.score(batch)).toEqual([0, 0]);
  // Once the late error has been thrown, the same worker still answers.
  await expect.poll(() => reward.score(batch)).toEqual([1, 0]);
  expect(workers.length).toBe(1);
});

describe('in the worker of a script', () => {
  // Everything that a script can reach by properties and prototypes, from the global object and from its own values.
  const CRAWL = `
    const seen = new Set();
    const found = [];
    const visit = (value, path) => {
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
      seen.add(value);
      const tag = Object.prototype.toString.call(value);
      if (FORBIDDEN.test(path) || FORBIDDEN.test(tag) || FORBIDDEN.test(value.name)) found.push(path + ' ' + tag);
      visit(Object.getPrototypeOf(value), path + '.__proto__');
      for (const key of Reflect.ownKeys(value)) {
        const property = Object.getOwnPropertyDescriptor(value, key);
        for (const part of [property.value, property.get, property.set]) visit(part, path + '.' + String(key));
        try { visit(value[key], path + '.' + String(key)); } catch {}
      }
    };`;

  it('nothing that sends, stores or tells others can be reached from any object', async () => {
    const forbidden =
      /fetch|XMLHttp|Socket|EventSource|importScripts|Worker(?!GlobalScope)|indexedDB|IDB|cache|storage|Broadcast|Message|locks|navigator|transport|addEventListener|dispatchEvent|\bBlob|createObjectURL|\bURL\b|FontFace|Notification|WebAssembly|SharedArray/i;
    const text = `const FORBIDDEN = ${forbidden};${CRAWL}
      function score() {
        visit(globalThis, 'globalThis');
        visit(Function('return this')(), 'this');
        visit((async () => {}).constructor, 'async');
        Error.prepareStackTrace = (error, sites) => sites;
        for (const site of new Error('x').stack) visit([site.getThis(), site.getFunction()], 'site');
        if (found.length > 0) throw new Error(found.join(', '));
        return [seen.size, 0];
      }`;
    const [reached] = await rewardOf(text).score(batch);
    expect(reached).toBeGreaterThan(500);
  });

  it('the names themselves are gone, so a script is told plainly', async () => {
    for (const name of ['fetch', 'indexedDB', 'postMessage', 'self', 'caches', 'WebSocket', 'navigator', 'onmessage']) {
      await expect(score(`return [${name}, 0]`), name).rejects.toMatchObject({
        code: 'reward.threw',
        message: expect.stringContaining(`ReferenceError in line 1: ${name} is not defined`) as string,
      });
    }
  });

  it('the language is whole: text, numbers, promises and timers work', async () => {
    const text = `async function score(batch) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const words = new Map(batch.answers.map((answer, i) => [answer.normalize('NFC'), i]));
      const bytes = new TextEncoder().encode(JSON.stringify([...words]));
      return [Math.sign(bytes.length), structuredClone(new Intl.NumberFormat('en').format(1000).length)];
    }`;
    expect(await rewardOf(text).score(batch)).toEqual([1, 5]);
  });
});

it('draws the same random numbers for the same batch in any worker, and others for another batch', async () => {
  const text = 'function scoreRow() { return Math.random(); }';
  const [first, again] = [rewardOf(text), rewardOf(text)];
  const scores = await first.score(batch);
  expect(new Set(scores).size).toBe(2);
  expect(await again.score(batch)).toEqual(scores);
  expect(await first.score(batch)).toEqual(scores);
  expect(await first.score({ ...batch, lengths: [5, 39] })).not.toEqual(scores);
});

it('makes the rewards of a recipe in its order, its own by their names', async () => {
  const embed = async (texts: string[]): Promise<Float32Array[]> =>
    texts.map((text) => Float32Array.of(text.length, 1));
  const own = { name: 'mine', javascript: 'function score(b) { return b.lengths; }' };
  const made = rewardFunctions(['length', own, 'exact_match', 'format', 'semantic'], { embed });
  rewards.push(...made);
  expect(made.map(({ name }) => name)).toEqual(['length', 'mine', 'exact_match', 'format', 'semantic']);
  const scores = await Promise.all(made.map((reward) => reward.score(batch)));
  expect(scores.slice(0, 4)).toEqual([
    [0, -1],
    [5, 40],
    [1, 0],
    [0.3, 0.3],
  ]);
  expect(scores[4]![0]).toBe(1);
});
