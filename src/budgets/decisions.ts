// What a run decides once from the memory it has: chunk sizes, storage of the base, kept layers. Some of it changes the
// order of additions, so it belongs to the run: stored with it and used again when it is resumed.

import * as v from 'valibot';
import { LorikeetError } from '../base/errors';
import { STORAGE_BITS } from '../model/baseStorage';
import type { WeightStorage } from '../ops/matmul';

/** How the base's matrices lie in GPU memory. */
export type BaseStorage = WeightStorage;

/** How one training stage uses memory. */
export interface StageDecisions {
  /** Tokens that go forward and backward together; a larger micro-batch is computed in parts, its loss unchanged. */
  tokensTogether: number;
  /** Layers, counted from the last, that keep their activations; the others are computed again in backward. */
  keptLayers: number;
}

/** Where computed picture features are kept, in bytes; beyond all three they are computed again. */
export interface FeatureBytes {
  host: number;
  disk: number;
}

/** Plain data: a checkpoint holds it. */
export interface Decisions {
  storage: BaseStorage;
  /** Whether the vision tower stays on the GPU while nothing is encoded. */
  towerStays: boolean;
  /** Prompt tokens that go into the key-value cache together. */
  prefillTokens: number;
  /** Rows of the key-value cache, over all sequences that decode together. */
  cacheRows: number;
  /** Sequences that decode together. */
  sequencesTogether: number;
  /** Tokens without a gradient that go through together: evaluation loss, old and reference log-probabilities. */
  scoreTokens: number;
  /** Bytes of logits that the head makes at once. */
  headChunkBytes: number;
  /** Patches that go through the vision tower together; a larger picture goes alone. */
  patchesTogether: number;
  features: FeatureBytes;
  sft: StageDecisions;
  grpo: StageDecisions;
}

const Bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const StageForm = v.object({ tokensTogether: Size, keptLayers: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });
const Form: v.GenericSchema<unknown, Decisions> = v.object({
  storage: v.picklist(Object.keys(STORAGE_BITS) as BaseStorage[]),
  towerStays: v.boolean(),
  prefillTokens: Size,
  cacheRows: Size,
  sequencesTogether: Size,
  scoreTokens: Size,
  headChunkBytes: Size,
  patchesTogether: Size,
  features: v.object({ host: Bytes, disk: Bytes }),
  sft: StageForm,
  grpo: StageForm,
});

/** Decisions as a checkpoint notes them, which may be another's. @throws checkpoint.broken */
export function readDecisions(noted: unknown): Decisions {
  const result = v.safeParse(Form, noted);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = ['setup.decisions', v.getDotPath(issue)].filter(Boolean).join('.');
  throw new LorikeetError(
    'checkpoint.broken',
    `The checkpoint's ${where} is no decision of a run: ${issue.message}`,
    'Use another checkpoint.',
  );
}

const MIB = 2 ** 20;

/** The most that is ever done together: more would gain no speed. */
export const MOST = {
  prefillTokens: 4096,
  cacheRows: 32_768,
  sequencesTogether: 32_768,
  scoreTokens: 4096,
  headChunkBytes: 64 * MIB,
  patchesTogether: 2048,
  tokensTogether: 2 ** 30,
} as const;

/**
 * Nothing cut smaller than the most: what runs did before they noted their decisions, and they are resumed with it.
 * @param storage of the base @param keptLayers by stage
 */
export function plainDecisions(storage: BaseStorage, keptLayers: { sft: number; grpo: number }): Decisions {
  const { tokensTogether, ...most } = MOST;
  return {
    ...most,
    storage,
    towerStays: true,
    features: { host: 1024 * MIB, disk: 0 },
    sft: { tokensTogether, keptLayers: keptLayers.sft },
    grpo: { tokensTogether, keptLayers: keptLayers.grpo },
  };
}
