// The table of policy losses, one row per TRL loss type: the token's term, how terms average, and what is logged.

import type { LossType } from '../../recipe/config';
import { cispoTerm, clippedTerm, sapoTerm, vespoTerm } from './lossTerms';
import type { Accumulation, RowFacts, TokenTerm } from './policyLossTypes';
import { cispoMetrics, clipMetrics, vespoMetrics } from './policyMetrics';
import type { RatioMetrics } from './policyMetrics';

/** What the average over a micro-batch may divide by. */
export interface ReductionInput extends Accumulation {
  /** Live tokens of each row of the micro-batch. */
  liveTokens: readonly number[];
  maxCompletionLength: number;
}

/** How rows add up: loss = sum over rows of (token sum / row divisor) / accumulation divisor. */
interface Reduction {
  rowDivisors(input: ReductionInput): number[];
  /** 1 where the row divisors already span the step. */
  accumulationDivisor(input: ReductionInput): number;
}

interface LossTypeRow extends Reduction {
  /** The term of a row's tokens. */
  term(row: RowFacts): TokenTerm;
  /** TRL's figures of the ratio for this type; null: none. */
  metrics: RatioMetrics | null;
}

function totalTokens(liveTokens: readonly number[]): number {
  return Math.max(
    1,
    liveTokens.reduce((sum, count) => sum + count, 0),
  );
}

const byAccumulation = ({ gradientAccumulationSteps }: ReductionInput): number => gradientAccumulationSteps;

/** Mean over rows of the mean over tokens. */
const meanOfRowMeans: Reduction = {
  rowDivisors: ({ liveTokens }) => liveTokens.map((count) => Math.max(1, count) * liveTokens.length),
  accumulationDivisor: byAccumulation,
};

/** Mean over the live tokens of the micro-batch. */
const tokenMean: Reduction = {
  rowDivisors: ({ liveTokens }) => liveTokens.map(() => totalTokens(liveTokens)),
  accumulationDivisor: byAccumulation,
};

/** Mean over all places that the micro-batch's rows could fill: a short row weighs no more than a long one. */
const placeMean: Reduction = {
  rowDivisors: ({ liveTokens, maxCompletionLength }) => liveTokens.map(() => liveTokens.length * maxCompletionLength),
  accumulationDivisor: byAccumulation,
};

/** Mean over the live tokens of the optimizer step. */
const stepTokenMean: Reduction = {
  rowDivisors: ({ liveTokens, itemsInBatch, gradientAccumulationSteps, stepsPerGeneration }) =>
    liveTokens.map(() => (Math.max(1, itemsInBatch) * gradientAccumulationSteps) / stepsPerGeneration),
  accumulationDivisor: () => 1,
};

/** Mean over rows of the sum over tokens. */
const meanOfRowSums: Reduction = {
  rowDivisors: ({ liveTokens }) => liveTokens.map(() => liveTokens.length),
  accumulationDivisor: byAccumulation,
};

export const LOSS_TABLE: Record<LossType, LossTypeRow> = {
  grpo: { term: clippedTerm, ...meanOfRowMeans, metrics: clipMetrics },
  bnpo: { term: clippedTerm, ...tokenMean, metrics: clipMetrics },
  dr_grpo: { term: clippedTerm, ...placeMean, metrics: clipMetrics },
  dapo: { term: clippedTerm, ...stepTokenMean, metrics: clipMetrics },
  cispo: { term: cispoTerm, ...stepTokenMean, metrics: cispoMetrics },
  sapo: { term: sapoTerm, ...meanOfRowMeans, metrics: null },
  luspo: { term: clippedTerm, ...meanOfRowSums, metrics: clipMetrics },
  vespo: { term: vespoTerm, ...stepTokenMean, metrics: vespoMetrics },
};
