// Worker of the comparison with TRL. The engine computes in workers only.

import { toErrorRecord } from '../../base/errors';
import type { ParityMessage, ParityRequest } from './messages';
import { runParity } from './runParity';

const emit = (message: ParityMessage): void => self.postMessage(message);

self.onmessage = async ({ data }: MessageEvent<ParityRequest>): Promise<void> => {
  try {
    await runParity(data, emit);
  } catch (error) {
    emit({ type: 'error', error: toErrorRecord(error) });
  }
};
