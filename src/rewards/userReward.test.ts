// @vitest-environment node
// What happens to a user's reward before it has a worker.

import { expect, test } from 'vitest';
import { LorikeetError } from '../base/errors';
import type { RewardBatch } from './reward';
import { openUserScript } from './userReward';

const BATCH: RewardBatch = {
  ...{ completions: ['a'], answers: ['a'], questions: ['q'], thoughts: ['t'] },
  ...{ lengths: [1], maxCompletionLength: 4 },
};

/** A script that may run once `allow` is called; `spawned` counts its workers. */
function waiting() {
  let allow = (): void => {};
  const allowed = new Promise<null>((resolve) => (allow = () => resolve(null)));
  let spawned = 0;
  const spawn = (): Worker => {
    spawned++;
    throw new Error('no worker may start in these tests');
  };
  const script = openUserScript({ name: 'mine', javascript: '' }, { spawn, refusal: () => allowed });
  return { script, allow, spawned: () => spawned };
}

test('a reward that is disposed of while the server is asked starts no worker, and its calls say so', async () => {
  const { script, allow, spawned } = waiting();
  const calls = [script.run(BATCH), script.run(BATCH)];
  script.dispose();
  allow();
  for (const outcome of await Promise.all([...calls, script.run(BATCH)])) {
    expect(outcome).toMatchObject({ failure: { code: 'reward.stopped' } });
  }
  expect(spawned()).toBe(0);
});

test('a server that cannot be asked is reported as that, not as a broken worker or a missing policy', async () => {
  const refusal = () => Promise.reject(new LorikeetError('server.noAnswer', 'gone', 'Start it.'));
  const spawn = (): Worker => {
    throw new Error('no worker may start in these tests');
  };
  const script = openUserScript({ name: 'mine', javascript: '' }, { spawn, refusal });
  expect(await script.run(BATCH)).toEqual({ failure: { code: 'server.noAnswer', message: 'gone', hint: 'Start it.' } });
});
