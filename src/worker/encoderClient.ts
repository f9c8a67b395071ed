// The trainer's side of the port to the reward encoder worker. Knows the protocol, not the encoder.

import { fromErrorRecord, LorikeetError } from '../base/errors';
import type { EncoderMessage, EncoderRequest } from '../protocol/messages';

/** Asks the reward encoder worker; calls may overlap. */
export interface EncoderClient {
  /** Resolves when the encoder is ready. @throws what the worker reports (reward.encoder) */
  load(): Promise<void>;
  /** One embedding (unit length) per text. @throws what the worker reports */
  embed(texts: string[]): Promise<Float32Array[]>;
  /** The worker is gone: every call that waits, and every later one, rejects with `error`. The first call counts. */
  fail(error: LorikeetError): void;
}

/** Why a worker that ended without a word is gone. */
const VANISHED = new LorikeetError(
  'reward.encoder',
  'The reward encoder worker ended.',
  'Start or resume again: a new one is started. If it goes on, the machine may be out of memory.',
);

interface Waiting {
  resolve(message: EncoderMessage): void;
  reject(error: LorikeetError): void;
}

/** Cuts a row-major matrix into its rows, without copying. */
function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/**
 * Opens the client on a port whose other end the reward encoder worker serves. Takes over `port.onmessage`.
 * @param onGone called where the browser says that the other end has gone
 * @returns a client; its promises reject with a LorikeetError that carries the worker's code
 */
export function createEncoderClient(port: MessagePort, onGone: () => void = () => undefined): EncoderClient {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let gone: LorikeetError | null = null;

  const rejectAll = (error: LorikeetError): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const fail = (error: LorikeetError): void => {
    gone ??= error;
    rejectAll(gone);
  };

  const settle = (message: EncoderMessage): void => {
    const entry = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.type === 'failed') {
      entry?.reject(fromErrorRecord(message.error));
    } else {
      entry?.resolve(message);
    }
  };
  port.onmessage = ({ data }: MessageEvent<EncoderMessage>): void => settle(data);
  port.onmessageerror = (): void =>
    rejectAll(new LorikeetError('reward.encoder', 'Reward encoder: its answer could not be read.', 'Start again.'));
  // Not every browser sends it when the other end goes with its worker; TypeScript's DOM does not know it yet.
  port.addEventListener('close', () => {
    fail(VANISHED);
    onGone();
  });

  const ask = (request: EncoderRequest): Promise<EncoderMessage> =>
    new Promise((resolve, reject) => {
      if (gone) return reject(gone);
      waiting.set(request.id, { resolve, reject });
      port.postMessage(request);
    });

  return {
    load: async () => {
      await ask({ type: 'load', id: ++lastId });
    },
    embed: async (texts) => {
      const message = await ask({ type: 'embed', id: ++lastId, texts });
      return message.type === 'embedded' ? rowsOf(message.embeddings, message.width) : [];
    },
    fail,
  };
}
