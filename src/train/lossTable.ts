// The table of policy losses: what each does with a token's ratio and how it averages. One row per TRL loss type.

import type { Accumulation, PolicyLossType } from './policyLossTypes';

/** What a token's policy term depends on. */
export interface TermInput {
  /** Importance ratio r of the token (level `token`) or of its whole sequence. */
  ratio: number;
  advantage: number;
  /** Bounds of the clipped ratio: 1 - epsilon and 1 + epsilon_high. */
  low: number;
  high: number;
  /** Upper bound of the unclipped ratio; Infinity when off. */
  delta: number;
}

/** A token's policy loss and its derivative by the ratio. */
export interface Term {
  value: number;
  dRatio: number;
}

/** What the average over a micro-batch may divide by. */
export interface ReductionInput extends Accumulation {
  /** Live tokens of each row of the micro-batch. */
  liveTokens: readonly number[];
}

export interface LossTypeRow {
  term(input: TermInput): Term;
  /** Divisor of each row's token sum in the micro-batch's loss, accumulation left out. */
  rowDivisors(input: ReductionInput): number[];
  /** What is divided further by accumulation: 1 where the divisor already spans the step. */
  accumulationDivisor(input: ReductionInput): number;
}

/** -min(min(r, delta) A, clip(r) A); equal branches share the derivative, as torch.min does. */
function clippedTerm({ ratio, advantage, low, high, delta }: TermInput): Term {
  const free = Math.min(ratio, delta) * advantage;
  const clipped = Math.min(Math.max(ratio, low), high) * advantage;
  const dFree = ratio <= delta ? advantage : 0;
  const dClipped = ratio >= low && ratio <= high ? advantage : 0;
  const slope = free < clipped ? dFree : clipped < free ? dClipped : (dFree + dClipped) / 2;
  return { value: -Math.min(free, clipped), dRatio: -slope };
}

function totalTokens(liveTokens: readonly number[]): number {
  return Math.max(
    1,
    liveTokens.reduce((sum, count) => sum + count, 0),
  );
}

const byAccumulation = ({ gradientAccumulationSteps }: ReductionInput): number => gradientAccumulationSteps;

export const LOSS_TYPES: Record<PolicyLossType, LossTypeRow> = {
  // Mean over rows of the mean over tokens.
  grpo: {
    term: clippedTerm,
    rowDivisors: ({ liveTokens }) => liveTokens.map((count) => Math.max(1, count) * liveTokens.length),
    accumulationDivisor: byAccumulation,
  },
  // Mean over the live tokens of the micro-batch.
  bnpo: {
    term: clippedTerm,
    rowDivisors: ({ liveTokens }) => liveTokens.map(() => totalTokens(liveTokens)),
    accumulationDivisor: byAccumulation,
  },
  // Mean over the live tokens of the optimizer step.
  dapo: {
    term: clippedTerm,
    rowDivisors: ({ liveTokens, itemsInBatch, gradientAccumulationSteps, stepsPerGeneration }) =>
      liveTokens.map(() => (Math.max(1, itemsInBatch) * gradientAccumulationSteps) / stepsPerGeneration),
    accumulationDivisor: () => 1,
  },
};
