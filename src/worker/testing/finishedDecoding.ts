// What a counting device answers, so that host code goes on as on a GPU that trains a model that never ends by itself:
// zeros, and sequences that are done when they are as long as they may be. For tests only.

import type { CountingOptions } from '../../gpu/testing/countingDevice';

/** @param maxNewTokens of every generation of the run */
export function finishedDecoding(maxNewTokens: number): NonNullable<CountingOptions['content']> {
  let stepsBefore = 0;
  return ({ lastKernel }, words, device) => {
    if (lastKernel !== 'sample.wgsl') return;
    const steps = device.dispatchesOf('decode_prepare.wgsl') - stepsBefore;
    if (steps < maxNewTokens - 1) return;
    stepsBefore += steps;
    const width = 2 + maxNewTokens;
    for (let s = 0; s < words.length; s += width) {
      words.fill(1, s, s + width);
      words[s] = maxNewTokens;
    }
  };
}
