// What is made smaller when the GPU runs out of memory all the same. Each function changes the run's decisions in place,
// by halves, and says what it has done; null: nothing is left to make smaller.

import type { Decisions } from './decisions';
import type { WorkTokens } from './together';

/** Least bytes of logits at once: beyond that there is nothing to gain. */
const LEAST_CHUNK_BYTES = 2 ** 20;

/** Half of what was under way, but never less than the piece; where that gains nothing, the limit as it was. */
function halved(value: number, { whole, piece }: WorkTokens): number {
  const now = Math.min(value, whole);
  return now <= piece ? value : Math.max(piece, Math.ceil(now / 2));
}

function fewerPatches(decisions: Decisions): void {
  decisions.patchesTogether = Math.max(1, Math.ceil(decisions.patchesTogether / 2));
}

function smallerChunks(decisions: Decisions): string | null {
  if (decisions.headChunkBytes <= LEAST_CHUNK_BYTES) return null;
  decisions.headChunkBytes = Math.max(LEAST_CHUNK_BYTES, Math.ceil(decisions.headChunkBytes / 2));
  return `logits are made in chunks of ${Math.ceil(decisions.headChunkBytes / 2 ** 20)} MB`;
}

/** Pictures that go through the tower beforehand: half of them. @param work their patches */
export function smallerEncoding(decisions: Decisions, work: WorkTokens): string | null {
  const before = Math.min(decisions.patchesTogether, work.whole);
  decisions.patchesTogether = halved(decisions.patchesTogether, work);
  if (decisions.patchesTogether >= before) return null;
  return `at most ${decisions.patchesTogether} patches go through the vision tower together`;
}

/** Training passes: half the tokens, then half the kept layers, then smaller chunks of logits. */
export function smallerTraining(decisions: Decisions, stage: 'sft' | 'grpo', work: WorkTokens): string | null {
  const own = decisions[stage];
  const before = Math.min(own.tokensTogether, work.whole);
  fewerPatches(decisions);
  own.tokensTogether = halved(own.tokensTogether, work);
  if (own.tokensTogether < before) return `at most ${own.tokensTogether} tokens go forward and backward together`;
  if (own.keptLayers === 0) return smallerChunks(decisions);
  own.keptLayers = Math.floor(own.keptLayers / 2);
  return `${own.keptLayers} layers keep their activations, the others are computed again`;
}

/** Passes without a gradient. */
export function smallerScoring(decisions: Decisions, work: WorkTokens): string | null {
  const before = Math.min(decisions.scoreTokens, work.whole);
  fewerPatches(decisions);
  decisions.scoreTokens = halved(decisions.scoreTokens, work);
  if (decisions.scoreTokens < before) return `at most ${decisions.scoreTokens} tokens are scored together`;
  return smallerChunks(decisions);
}

/** Generation: half the cache, half the sequences, half the prompt tokens. @param rows of the cache */
export function smallerGeneration(decisions: Decisions, rows: WorkTokens, sequences: number): string | null {
  const before = Math.min(decisions.cacheRows, rows.whole);
  const together = Math.min(decisions.sequencesTogether, sequences);
  if (before <= rows.piece && together === 1) return null;
  fewerPatches(decisions);
  decisions.cacheRows = halved(decisions.cacheRows, rows);
  decisions.sequencesTogether = Math.max(1, Math.ceil(together / 2));
  decisions.prefillTokens = Math.max(1, Math.ceil(decisions.prefillTokens / 2));
  return `at most ${decisions.sequencesTogether} completions decode together`;
}
