import { expect, it } from 'vitest';
import { meanOfMetrics } from './policyMetrics';

// The figures of a micro-batch are checked against TRL's in policyLossTrl.test.ts.

it('takes the mean over the records that have a number, and NaN where none has', () => {
  const records: Record<string, number>[] = [
    { kl: 1, 'clip_ratio/low_min': NaN, 'clip_ratio/high_max': NaN },
    { kl: 3, 'clip_ratio/low_min': 0.5, 'clip_ratio/high_max': NaN, policy_loss: 2 },
  ];
  expect(meanOfMetrics(records)).toEqual({
    kl: 2,
    'clip_ratio/low_min': 0.5,
    'clip_ratio/high_max': NaN,
    policy_loss: 2,
  });
  expect(meanOfMetrics([])).toEqual({});
});
