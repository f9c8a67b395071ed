import { spawnSync } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { createKeeper } from './keeper.mjs';

/** A save that ends when told; `states` holds what was the newest state at the beginning of each save. */
function slowSave() {
  const made = { newest: 0, states: [], underWay: 0, most: 0, ends: [] };
  made.save = async () => {
    made.states.push(made.newest);
    made.most = Math.max(made.most, ++made.underWay);
    try {
      await new Promise((resolve, reject) => made.ends.push({ resolve, reject }));
    } finally {
      made.underWay--;
    }
  };
  return made;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

test('states that come during a save are skipped but for the last, and saves never overlap', async () => {
  const slow = slowSave();
  const keeper = createKeeper(slow.save, () => {});
  for (slow.newest = 1; slow.newest <= 5; slow.newest++) keeper.note();
  slow.newest = 5;
  slow.ends[0].resolve();
  const settling = keeper.settled();
  await turn();
  expect(slow.states).toEqual([1, 5]);
  slow.ends[1].resolve();
  await settling;
  expect(slow.states).toEqual([1, 5]);
  expect(slow.most).toBe(1);
});

test('settled waits for the newest state, also when it was noted during the last save', async () => {
  const slow = slowSave();
  const keeper = createKeeper(slow.save, () => {});
  keeper.note();
  let settled = false;
  const settling = keeper.settled().then(() => (settled = true));
  keeper.note();
  slow.ends[0].resolve();
  await turn();
  expect(settled).toBe(false);
  slow.ends[1].resolve();
  await settling;
  expect(slow.states).toHaveLength(2);
});

test('a failed save is reported once and the next state is saved', async () => {
  const slow = slowSave();
  const failures = [];
  const keeper = createKeeper(slow.save, (error) => failures.push(error.message));
  keeper.note();
  slow.ends[0].reject(new Error('disk full'));
  await keeper.settled();
  keeper.note();
  slow.ends[1].resolve();
  await keeper.settled();
  expect(failures).toEqual(['disk full']);
  expect(slow.states).toHaveLength(2);
});

test('without a state there is nothing to wait for', async () => {
  await createKeeper(async () => {
    throw new Error('must not save');
  }).settled();
});

test('after a long save, nine times what it took passes before the next one, unless the end is waited for', async () => {
  vi.useFakeTimers();
  try {
    const began = [];
    const save = async () => {
      began.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 30));
    };
    const keeper = createKeeper(save, () => {}, 20);
    keeper.note();
    keeper.note();
    await vi.advanceTimersByTimeAsync(299);
    expect(began).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(began).toHaveLength(2);
    keeper.note();
    await vi.advanceTimersByTimeAsync(30);
    const settling = keeper.settled();
    await vi.advanceTimersByTimeAsync(30);
    await settling;
    expect(began).toEqual([0, 300, 330].map((ms) => began[0] + ms));
  } finally {
    vi.useRealTimers();
  }
});

test('a short save is followed by the next one at once', async () => {
  let saves = 0;
  const keeper = createKeeper(
    async () => void saves++,
    () => {},
  );
  for (let i = 1; i <= 5; i++) {
    keeper.note();
    await turn();
    expect(saves).toBe(i);
  }
});

test('a rest between two saves does not keep the process from ending', () => {
  const script = `
    import { createKeeper } from ${JSON.stringify(new URL('./keeper.mjs', import.meta.url).href)};
    createKeeper(() => new Promise((resolve) => setTimeout(resolve, 3000)), () => {}).note();`;
  // With the rest of nine times 3 s it would still go on when the time is over.
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 25_000 });
  expect(status).toBe(0);
});
