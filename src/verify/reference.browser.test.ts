// Tier 3: blocks and the whole model, outputs and all gradients, and trajectories, against the numeric reference.

import { describe, expect, test } from 'vitest';
import { longTest, SHORT } from '../base/testing/longTest';
import { requestDevice } from '../gpu/device';
import { VERIFIERS } from './groups';
import { openHttpFolder } from '../reference/httpFolder';
import type { KernelVariant, ReferenceCase } from '../reference/types';
import type { VerifyMessage } from './messages';
import { runVerification } from './run';

const folder = await openHttpFolder('/reference/');
let device: Promise<GPUDevice> | undefined;

/** Every check of a case, with a family of kernels. */
async function expectHolds(entry: ReferenceCase, variant: KernelVariant): Promise<void> {
  const failures: string[] = [];
  const tally = await runVerification({
    folder: { ...folder, cases: [entry] },
    verifiers: VERIFIERS,
    device: () => (device ??= requestDevice().then((got) => got.device)),
    variant,
    only: '',
    emit: (message: VerifyMessage) => {
      if (message.type === 'check' && !message.result.pass) failures.push(JSON.stringify(message.result));
    },
  });
  expect(failures.slice(0, 20)).toEqual([]);
  expect(tally.passed).toBeGreaterThan(0);
}

const covered = folder.cases.filter(({ kind }) => VERIFIERS.has(kind));
/** Kinds of cases that no kernel computes. */
const ON_CPU = ['tokenizer', 'image', 'rewards'];

describe('the numeric reference', () => {
  for (const entry of covered) {
    test(`every covered check of ${entry.id} holds`, () => expectHolds(entry, 'software'));
  }
});

describe('the numeric reference with kernels for GPUs', () => {
  for (const entry of covered.filter(({ kind }) => !ON_CPU.includes(kind))) {
    longTest(`every covered check of ${entry.id} holds`, () => expectHolds(entry, 'gpu'));
  }

  // They are slow on a software adapter: what is short has a part of two cases.
  const shortTest = test.runIf(SHORT);
  const caseOf = (wanted: string) => covered.find(({ id }) => id === wanted)!;

  shortTest('blocks, logits and greedy decoding of a model hold', () => expectHolds(caseOf('model/d32'), 'gpu'));

  shortTest('losses and all gradients of an adapter hold', () => {
    const entry = caseOf('lora/all');
    return expectHolds({ ...entry, files: entry.files.filter((name) => !name.startsWith('trajectory_')) }, 'gpu');
  });
});
