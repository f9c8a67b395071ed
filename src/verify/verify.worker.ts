// Worker of the numeric check: opens the folder and runs all cases. The engine computes in workers only.

import { toErrorRecord } from '../base/errors';
import { requestDevice } from '../gpu/device';
import { VERIFIERS } from './groups';
import { openHttpFolder } from '../reference/httpFolder';
import type { VerifyMessage, VerifyRequest } from './messages';
import { runVerification } from './run';

const emit = (message: VerifyMessage): void => self.postMessage(message);

let device: Promise<GPUDevice> | null = null;

/** One device for all cases: pipelines compiled for one serve the next. */
function sharedDevice(): Promise<GPUDevice> {
  device ??= requestDevice().then((answer) => answer.device);
  return device;
}

self.onmessage = async ({ data }: MessageEvent<VerifyRequest>): Promise<void> => {
  try {
    const folder = await openHttpFolder(data.folder);
    const { only, variant } = data;
    await runVerification({ folder, verifiers: VERIFIERS, device: sharedDevice, variant, only, emit });
  } catch (error) {
    emit({ type: 'error', error: toErrorRecord(error) });
  }
};
