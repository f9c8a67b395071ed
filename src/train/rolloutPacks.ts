// A rollout's completions as packed batches: whole groups share their prompt, and a pack never holds more completions
// than one training batch (or one group, if that is larger), nor more tokens than go through the model together.

import { packGroups, type Group, type PackContext, type PackedBatch } from '../data/pack';
import type { GrpoOptions } from '../recipe/config';
import type { GrpoRow, Rollout } from './rolloutTypes';

interface PartsContext {
  rows: GrpoRow[];
  pack: PackContext;
  options: Pick<GrpoOptions, 'per_device_train_batch_size'>;
}

export interface RolloutPack {
  batch: PackedBatch;
  /** Index in the rollout of each sequence of the batch. */
  sequences: number[];
}

interface Part extends Group {
  sequences: number[];
}

/** Tokens of every completion with its prompt. @param rows those that `rollout.rows` counts in */
export function lengthsOf(rows: readonly GrpoRow[], rollout: Pick<Rollout, 'rows' | 'completions'>): number[] {
  return rollout.rows.flatMap((row, g) =>
    rollout.completions[g]!.map(({ ids }) => rows[row]!.prompt.ids.length + ids.length),
  );
}

/** The wanted completions of each group; groups without any are left out. */
function partsOf(
  context: PartsContext,
  rollout: Pick<Rollout, 'rows' | 'completions'>,
  wanted: readonly boolean[],
): Part[] {
  let next = 0;
  return rollout.rows.flatMap((row, g): Part[] => {
    const own = rollout.completions[g]!.map(({ ids }) => ({ ids, index: next++ })).filter(({ index }) => wanted[index]);
    if (own.length === 0) return [];
    const completions = own.map(({ ids }) => ids);
    return [{ prompt: context.rows[row]!.prompt, completions, sequences: own.map(({ index }) => index) }];
  });
}

/** A part cut so that each piece has room: its prompt is then computed for each. */
function cutToFit(part: Part, tokensTogether: number): Part[] {
  const pieces: Part[] = [];
  let tokens = Infinity;
  part.completions.forEach((completion, i) => {
    if (tokens + completion.length > tokensTogether) {
      pieces.push({ prompt: part.prompt, completions: [], sequences: [] });
      tokens = part.prompt.ids.length;
    }
    const piece = pieces.at(-1)!;
    piece.completions.push(completion);
    piece.sequences.push(part.sequences[i]!);
    tokens += completion.length;
  });
  return pieces;
}

function tokensOf({ prompt, completions }: Part): number {
  return completions.reduce((sum, { length }) => sum + length, prompt.ids.length);
}

/**
 * Packs the wanted completions of a rollout.
 * @param wanted per completion, groups in a row
 * @param tokensTogether tokens of a pack at most; a completion with its prompt is never cut
 */
export function packParts(
  context: PartsContext,
  rollout: Pick<Rollout, 'rows' | 'completions'>,
  wanted: readonly boolean[],
  tokensTogether: number,
): RolloutPack[] {
  const limit = context.options.per_device_train_batch_size;
  const packs: Part[][] = [];
  let count = Infinity;
  let tokens = 0;
  for (const part of partsOf(context, rollout, wanted).flatMap((whole) => cutToFit(whole, tokensTogether))) {
    if (count + part.sequences.length > limit || tokens + tokensOf(part) > tokensTogether) {
      packs.push([]);
      count = 0;
      tokens = 0;
    }
    packs[packs.length - 1]!.push(part);
    count += part.sequences.length;
    tokens += tokensOf(part);
  }
  return packs.map((parts) => ({
    batch: packGroups(parts, context.pack),
    sequences: parts.flatMap(({ sequences }) => sequences),
  }));
}
