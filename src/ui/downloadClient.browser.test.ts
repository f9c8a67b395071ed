// What the download worker is sent, in which order, and when it is started at all.

import { afterEach, expect, test } from 'vitest';
import type { HubSettings } from '../base/hubModel';
import { HUB_DEFAULTS } from '../hub/settings';
import { createDownloadClient, type HubRequest } from './downloadClient';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A client whose worker answers each message with that message, and throws at the check of `crash`. */
function open(permission: () => Promise<HubSettings>) {
  const script = `onmessage = ({ data }) => { if (data.key === 'crash') throw new Error('boom'); postMessage(data); };`;
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  closing.push(() => URL.revokeObjectURL(url));
  const got: string[] = [];
  const client = createDownloadClient(
    { message: (message) => void got.push(message.type), crashed: () => void got.push('crashed') },
    {
      permission,
      spawn: () => {
        got.push('started');
        const worker = new Worker(url);
        closing.push(() => worker.terminate());
        return worker;
      },
    },
  );
  return { got, send: (request: object) => client.send(request as HubRequest) };
}

test('what is sent arrives in order, whatever the server takes to say how the hub may be asked, and it is asked once', async () => {
  let asked = 0;
  let answer = (): void => undefined;
  const { got, send } = open(() => {
    asked++;
    return new Promise((resolve) => (answer = () => resolve(HUB_DEFAULTS)));
  });
  const sent = [send({ type: 'lookUp', id: 1 }), send({ type: 'stop', id: 1 }), send({ type: 'download', id: 2 })];
  sent.push(send({ type: 'stop', id: 2 }), send({ type: 'verify', id: 3, key: 'a' }));
  await expect.poll(() => asked).toBe(1);
  expect(got).toEqual([]);
  answer();
  await Promise.all(sent);
  await expect.poll(() => got.at(-1)).toBe('verify');
  expect(got).toEqual(['started', 'settings', 'lookUp', 'stop', 'download', 'stop', 'verify']);
  expect(asked).toBe(1);
});

test('a stop starts no worker; a check asks no permission, and what follows it is told the settings, after a crash anew', async () => {
  let asked = 0;
  const { got, send } = open(async () => {
    asked++;
    return HUB_DEFAULTS;
  });
  await send({ type: 'stop', id: 1 });
  expect(got).toEqual([]);
  await send({ type: 'verify', id: 2, key: 'a' });
  await expect.poll(() => got).toEqual(['started', 'verify']);
  expect(asked).toBe(0);
  await send({ type: 'lookUp', id: 3 });
  await send({ type: 'verify', id: 4, key: 'crash' });
  await expect.poll(() => got.at(-1)).toBe('crashed');
  await send({ type: 'lookUp', id: 5 });
  const expected = ['started', 'verify', 'settings', 'lookUp', 'crashed', 'started', 'settings', 'lookUp'];
  await expect.poll(() => got).toEqual(expected);
  expect(asked).toBe(1);
});

test('a refusal is said to each who asks, does not hold up what follows, and is asked about again', async () => {
  let allowed = false;
  const { got, send } = open(async () => {
    if (!allowed) throw new Error('not allowed');
    return HUB_DEFAULTS;
  });
  const refused = send({ type: 'lookUp', id: 1 });
  const stopped = send({ type: 'stop', id: 1 });
  await expect(refused).rejects.toThrow('not allowed');
  await stopped;
  allowed = true;
  await send({ type: 'lookUp', id: 2 });
  await expect.poll(() => got).toEqual(['started', 'settings', 'lookUp']);
});
