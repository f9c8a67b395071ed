// The time of a run at given rates, against sums made by hand.

import { describe, expect, it } from 'vitest';
import { secondsOf, type Rates } from './seconds';
import type { GenerationWork, PhaseWork } from './work';

const RATES: Rates = {
  ...{ load: 20, firstUse: 5, passes: {}, perUnit: {}, perCompletion: {}, stepsTogether: 1 },
  // As a GPU has it: the step of one sequence takes no less than that of eight.
  decode: [
    { sequences: 1, seconds: 0.1 },
    { sequences: 8, seconds: 0.1 },
    { sequences: 24, seconds: 0.3 },
  ],
};

function work(phase: PhaseWork['phase'], own: Partial<PhaseWork> = {}): PhaseWork {
  return { phase, unit: 'step', count: 1, flops: { passes: 0, decode: 0 }, generation: null, ...own };
}

function generation(own: Partial<GenerationWork>): GenerationWork {
  return { chunks: [], completions: 0, maxNewTokens: 100, expectedLengths: [11], ...own };
}

/** Of one unit that generates. */
function decodeSeconds(own: Partial<GenerationWork>, stepsTogether = 1): number | undefined {
  const rates = { ...RATES, stepsTogether, passes: { rollout: 1 } };
  return secondsOf([work('rollout', { generation: generation(own) })], rates)?.phases[0]?.unitSeconds;
}

describe('passes', () => {
  it('take their operations at their own phase’s rate, and each unit what it takes beside them', () => {
    const rates = { ...RATES, passes: { sft: 2e12, evaluate: 4e12 }, perUnit: { sft: 0.5 } };
    const sft = work('sft', { count: 10, flops: { passes: 6e12, decode: 0 } });
    const evaluate = work('evaluate', { unit: 'evaluation', count: 3, flops: { passes: 8e12, decode: 0 } });
    expect(secondsOf([sft, evaluate], rates)).toEqual({
      begin: 25,
      loadKnown: true,
      phases: [
        { phase: 'sft', unit: 'step', count: 10, unitSeconds: 3.5, seconds: 35 },
        { phase: 'evaluate', unit: 'evaluation', count: 3, unitSeconds: 2, seconds: 6 },
      ],
      total: 66,
    });
  });

  it('of a stage that the dry run left out go at the rate of the other stage', () => {
    const grpo = work('grpo', { flops: { passes: 6e12, decode: 0 } });
    expect(secondsOf([grpo], { ...RATES, passes: { sft: 2e12 } })?.total).toBe(25 + 3);
  });

  it('of a run whose loading is not known are counted without it', () => {
    const sft = work('sft', { flops: { passes: 6e12, decode: 0 } });
    const rates = { ...RATES, load: null, passes: { sft: 2e12 } };
    expect(secondsOf([sft], rates)).toMatchObject({ begin: 5, loadKnown: false, total: 5 + 3 });
  });

  it('of which the dry run had nothing alike leave the time unknown', () => {
    expect(
      secondsOf([work('encode', { flops: { passes: 1, decode: 0 } })], { ...RATES, passes: { sft: 1 } }),
    ).toBeNull();
  });
});

describe('decoding', () => {
  it('takes as many steps as a completion has tokens after its first, at the time of so many sequences', () => {
    expect(decodeSeconds({ chunks: [{ count: 2, sequences: 8 }] })).toBeCloseTo(2 * 10 * 0.1, 9);
  });

  it('of sequences between two measured figures lies between them, and beyond the largest grows with their number', () => {
    expect(decodeSeconds({ chunks: [{ count: 1, sequences: 16 }] })).toBeCloseTo(10 * 0.2, 9);
    expect(decodeSeconds({ chunks: [{ count: 1, sequences: 48 }] })).toBeCloseTo(10 * 0.6, 9);
  });

  it('goes on with those that have not ended yet', () => {
    const chunks = [{ count: 1, sequences: 24 }];
    // Half of them end after 10 steps; the 12 that are left take 0.15 s a step for 20 more.
    expect(decodeSeconds({ chunks, expectedLengths: [11, 31] })).toBeCloseTo(10 * 0.3 + 20 * 0.15, 9);
  });

  it('sees ends only every few steps, and never passes the limit', () => {
    const chunks = [{ count: 1, sequences: 8 }];
    expect(decodeSeconds({ chunks }, 8)).toBeCloseTo(16 * 0.1, 9);
    expect(decodeSeconds({ chunks, maxNewTokens: 12 }, 8)).toBeCloseTo(11 * 0.1, 9);
  });

  it('without a measured step leaves the time unknown', () => {
    const own = work('rollout', { generation: generation({ chunks: [{ count: 1, sequences: 8 }] }) });
    expect(secondsOf([own], { ...RATES, passes: { rollout: 1 }, decode: [] })).toBeNull();
  });
});

it('rewards count once per completion', () => {
  const own = work('rollout', { count: 5, generation: generation({ completions: 16 }) });
  const rates = { ...RATES, passes: { rollout: 1 }, perCompletion: { rollout: 0.25 } };
  expect(secondsOf([own], rates)?.total).toBe(25 + 5 * 4);
});
