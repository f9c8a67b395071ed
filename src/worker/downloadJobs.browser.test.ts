// One download shared by several tabs, here by several requests of one page: what a stop of one means to the others.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hubModelKey, type HubModel } from '../base/hubModel';
import { HUB_DEFAULTS } from '../hub/settings';
import { modelDatabase, modelFileLock, modelLock } from '../storage/modelDatabase';
import { createNet, download } from './downloadJobs';

const MODEL: HubModel = {
  ...{ id: 'x/shared', revision: 'main', endpoint: 'https://huggingface.co', commit: '1'.repeat(40), licence: null },
  files: [{ name: 'config.json', bytes: 10, algorithm: 'sha256', hash: '2'.repeat(64) }],
  bytes: 10,
};
const LOCK = modelLock(hubModelKey(MODEL));
const FILE_LOCK = modelFileLock(MODEL.files[0]!.hash);

let release: () => void;
const tabs: Tab[] = [];

/** A download never gets further than the lock of its file: the test has it. */
beforeEach(async () => {
  await new Promise<void>((taken) => {
    const held = new Promise<void>((resolve) => (release = resolve));
    void navigator.locks.request(FILE_LOCK, () => {
      taken();
      return held;
    });
  });
});

afterEach(async () => {
  for (const { stop } of tabs) stop();
  await Promise.all(tabs.splice(0).map(({ ended }) => ended));
  release();
  await modelDatabase.transact(['models'], (open) => void open('models').clear());
});

interface Tab {
  /** Types of the messages so far. */
  said: string[];
  stop(): void;
  ended: Promise<void>;
}

function openTab(): Tab {
  const abort = new AbortController();
  const said: string[] = [];
  const net = createNet(
    HUB_DEFAULTS,
    () => undefined,
    () => undefined,
  );
  const ended = download(
    net,
    { type: 'download', id: 1, model: MODEL, into: null },
    ({ type }) => void said.push(type),
    abort.signal,
  );
  const tab = { said, stop: () => abort.abort(), ended };
  tabs.push(tab);
  return tab;
}

/** How many requests have the lock of that name, and how many wait for it. */
async function lockState(name: string): Promise<[number, number]> {
  const { held = [], pending = [] } = await navigator.locks.query();
  return [held.filter((lock) => lock.name === name).length, pending.filter((lock) => lock.name === name).length];
}

/** A tab that fetches, and two that follow it. */
async function openThree(): Promise<[Tab, Tab, Tab]> {
  const first = openTab();
  await expect.poll(() => lockState(FILE_LOCK)).toEqual([1, 1]);
  const others = [openTab(), openTab()] as const;
  await expect.poll(() => lockState(LOCK)).toEqual([1, 2]);
  return [first, ...others];
}

/** What was told to other tabs before has been heard when this is. */
async function heardByAll(): Promise<void> {
  const [from, to] = [new BroadcastChannel('lorikeet-models'), new BroadcastChannel('lorikeet-models')];
  await new Promise<void>((resolve) => {
    to.onmessage = ({ data }: MessageEvent<{ key: string }>) => data.key === 'a test' && resolve();
    from.postMessage({ key: 'a test' });
  });
  from.close();
  to.close();
}

test('a tab that no longer looks on stops alone', async () => {
  const [first, second, third] = await openThree();
  second.stop();
  await second.ended;
  await heardByAll();
  expect(second.said).toEqual(['stopped']);
  expect([first.said, third.said]).toEqual([[], []]);
  expect(await lockState(LOCK)).toEqual([1, 1]);
});

test('a stop of the tab that fetches stops those that follow, and none of them goes on in its place', async () => {
  const all = await openThree();
  all[0].stop();
  await Promise.all(all.map(({ ended }) => ended));
  expect(all.map(({ said }) => said)).toEqual([['stopped'], ['stopped'], ['stopped']]);
  await expect.poll(() => lockState(LOCK)).toEqual([0, 0]);
  expect(await lockState(FILE_LOCK)).toEqual([1, 0]);
});

test('a stop is told while the lock is still held: who has the lock next has been told before', async () => {
  const tab = openTab();
  await expect.poll(() => lockState(FILE_LOCK)).toEqual([1, 1]);
  const tell = BroadcastChannel.prototype.postMessage;
  const told: Promise<[number, number]>[] = [];
  const spy = vi.spyOn(BroadcastChannel.prototype, 'postMessage').mockImplementation(function (
    this: BroadcastChannel,
    message: unknown,
  ) {
    told.push(lockState(LOCK));
    tell.call(this, message);
  });
  tab.stop();
  await tab.ended;
  spy.mockRestore();
  expect(await Promise.all(told)).toEqual([[1, 0]]);
});
