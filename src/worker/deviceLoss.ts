// Tells a lost GPU from other failures: work under way fails in the browser's own words before the loss is reported.

import { LorikeetError } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import { StopRequested } from '../train/control';

/** How long the browser may take to report a loss after work failed by it, in ms. */
const REPORT_MS = 1000;

/**
 * The error to show for `error`: gpu.lost, gpu.outOfMemory or gpu.error when that is its cause, else itself.
 * @param gpu the device that the failed work used
 */
export async function causeOf(gpu: Gpu, error: unknown): Promise<unknown> {
  if (error instanceof LorikeetError || error instanceof StopRequested) return error;
  await Promise.race([gpu.device.lost, new Promise((resolve) => setTimeout(resolve, REPORT_MS))]);
  try {
    gpu.assertHealthy();
    return error;
  } catch (cause) {
    return cause;
  }
}
