import { afterEach, expect, it } from 'vitest';
import type { EncoderMessage, EncoderRequest } from '../protocol/messages';
import { LorikeetError } from '../base/errors';
import { createEncoderClient } from './encoderClient';

const open: MessagePort[] = [];
afterEach(() => open.splice(0).forEach((port) => port.close()));

/** A client on a real channel, and the other end to answer from. */
function connect(
  answer: (request: EncoderRequest, send: (message: EncoderMessage) => void) => void,
  onGone?: () => void,
) {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  port2.onmessage = ({ data }) => answer(data as EncoderRequest, (message) => port2.postMessage(message));
  return createEncoderClient(port1, onGone);
}

it('matches answers to overlapping calls by id, in whatever order they come', async () => {
  const held: (() => void)[] = [];
  const client = connect((request, send) => {
    if (request.type !== 'embed') return;
    const embeddings = Float32Array.from(request.texts.flatMap((text) => [text.length, 0]));
    held.push(() => send({ type: 'embedded', id: request.id, embeddings, width: 2 }));
    if (held.length === 2) held.reverse().forEach((send) => send());
  });
  const [first, second] = await Promise.all([client.embed(['a', 'bb']), client.embed(['ccc'])]);
  expect(first.map((row) => [...row])).toEqual([
    [1, 0],
    [2, 0],
  ]);
  expect(second.map((row) => [...row])).toEqual([[3, 0]]);
});

it("rejects with the worker's code and hint", async () => {
  const error = { code: 'reward.encoder', message: 'no model', hint: 'reload' };
  const client = connect((request, send) => send({ type: 'failed', id: request.id, error }));
  await expect(client.load()).rejects.toMatchObject(error);
  await expect(client.embed(['a'])).rejects.toMatchObject(error);
});

it('rejects what waits and what comes later once the worker is gone', async () => {
  const client = connect(() => undefined);
  const waiting = [client.load(), client.embed(['a'])];
  const error = new LorikeetError('reward.encoder', 'it stopped', 'start again');
  client.fail(error);
  client.fail(new LorikeetError('reward.encoder', 'another reason'));
  for (const call of [...waiting, client.embed(['b'])]) await expect(call).rejects.toBe(error);
});

it('notices by itself that the other end has gone, and says so once', async () => {
  let told = 0;
  const client = connect(
    () => undefined,
    () => told++,
  );
  const waiting = client.embed(['a']);
  open.at(-1)!.close();
  await expect(waiting).rejects.toMatchObject({ code: 'reward.encoder', hint: expect.any(String) as string });
  expect(told).toBe(1);
});
