// Tier 3: blocks and the whole model, outputs and all gradients, and trajectories, against the numeric reference.

import { describe, expect, test } from 'vitest';
import { requestDevice } from '../gpu/device';
import { VERIFIERS } from './groups';
import { openHttpFolder } from '../reference/httpFolder';
import type { VerifyMessage } from './messages';
import { runVerification } from './run';

const folder = await openHttpFolder('/reference/');
let device: Promise<GPUDevice> | undefined;

describe('the numeric reference', () => {
  for (const { id, kind } of folder.cases) {
    if (!VERIFIERS.has(kind)) continue;
    test(`every covered check of ${id} holds`, async () => {
      const failures: string[] = [];
      const tally = await runVerification({
        folder: { ...folder, cases: folder.cases.filter((entry) => entry.id === id) },
        verifiers: VERIFIERS,
        device: () => (device ??= requestDevice().then((got) => got.device)),
        only: '',
        emit: (message: VerifyMessage) => {
          if (message.type === 'check' && !message.result.pass) failures.push(JSON.stringify(message.result));
        },
      });
      expect(failures.slice(0, 20)).toEqual([]);
      expect(tally.passed).toBeGreaterThan(0);
    });
  }
});
