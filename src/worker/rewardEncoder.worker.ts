// The reward encoder's worker: answers embedding requests from whoever holds a port to it. Nothing else.

import { toErrorRecord } from '../base/errors';
import type { EncoderMessage, EncoderRequest } from '../protocol/messages';
import type { SentenceEncoder } from '../rewards/minilm';
import { loadMiniLm } from '../rewards/minilm';

/** The page's first message: a port whose other end belongs to the trainer worker. */
interface ConnectRequest {
  type: 'connect';
  port: MessagePort;
}

interface Asker {
  postMessage(message: EncoderMessage, transfer: Transferable[]): void;
}

let loading: Promise<SentenceEncoder> | null = null;

/** Loads once; a failed load is tried again by the next request. */
function encoder(): Promise<SentenceEncoder> {
  loading ??= loadMiniLm().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function reply(request: EncoderRequest): Promise<EncoderMessage> {
  const { id } = request;
  try {
    const { width, embed } = await encoder();
    if (request.type === 'load') return { type: 'loaded', id };
    return { type: 'embedded', id, embeddings: await embed(request.texts), width };
  } catch (error) {
    return { type: 'failed', id, error: toErrorRecord(error) };
  }
}

async function answer(asker: Asker, request: EncoderRequest): Promise<void> {
  const message = await reply(request);
  asker.postMessage(message, message.type === 'embedded' ? [message.embeddings.buffer] : []);
}

const scope = self as unknown as DedicatedWorkerGlobalScope;

scope.onmessage = ({ data }: MessageEvent<ConnectRequest | EncoderRequest>): void => {
  if (data.type !== 'connect') {
    void answer(scope, data);
    return;
  }
  const { port } = data;
  port.onmessage = ({ data: request }: MessageEvent<EncoderRequest>): void => void answer(port, request);
};
