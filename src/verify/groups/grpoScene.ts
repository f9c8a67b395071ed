// The scene of a grpo case: its prompts and completions as one pack, and values per label as arrays per scene row.

import type { Prompt } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import { packGroups, type PackedBatch } from '../../data/pack';
import type { PolicySequence } from '../../train/policy/policyLossTypes';
import { byLabel, bySequence } from '../../train/sequences';
import { imageRefOf, type ReferenceModel } from '../loadModel';

export interface Scene {
  base: string;
  prompts: { ids: number[]; image: number | null }[];
  completions: number[][];
  prompt_of: number[];
  truncated: boolean[];
  max_completion_length: number;
}

/** What a grpo case calls a rollout: a scene without its model. */
export type Rollout = Pick<Scene, 'prompts' | 'completions' | 'prompt_of'>;

/** A pack; `rows[s]` is the scene row of packed sequence s. */
export interface PackedScene {
  batch: PackedBatch;
  rows: number[];
}

function promptOf(reference: ReferenceModel, { ids, image }: Scene['prompts'][number]): Prompt {
  const { config } = reference;
  const images = image === null ? [] : [imageRefOf(reference, image)];
  const { positions, next } = mropePositions(
    ids,
    images.map(({ grid }) => grid),
    {
      imageTokenId: config.imageTokenId,
      spatialMergeSize: config.vision.spatialMergeSize,
    },
  );
  return { ids: Int32Array.from(ids), positions, nextPosition: next, images };
}

/** The scene's rows, grouped by prompt. */
export function packScene(reference: ReferenceModel, scene: Rollout): PackedScene {
  const rows: number[] = [];
  const groups = scene.prompts.map((prompt, p) => {
    const own = scene.completions.flatMap((_, row) => (scene.prompt_of[row] === p ? [row] : []));
    rows.push(...own);
    return { prompt: promptOf(reference, prompt), completions: own.map((row) => scene.completions[row]!) };
  });
  const { imageTokenId } = reference.config;
  return {
    batch: packGroups(groups, { imageTokenId, spatialMergeSize: reference.config.vision.spatialMergeSize }),
    rows,
  };
}

/** Values per label to arrays per scene row. */
export function byRow({ batch, rows }: PackedScene, values: ArrayLike<number>): Float64Array[] {
  const packed = bySequence(batch.labels, values, rows.length);
  const out = new Array<Float64Array>(rows.length);
  rows.forEach((row, s) => (out[row] = packed[s]!));
  return out;
}

/** Arrays per scene row to values per label. */
export function toLabels({ batch, rows }: PackedScene, values: readonly Float64Array[]): Float64Array {
  return byLabel(
    batch.labels,
    rows.map((row) => values[row]!),
  );
}

/** Values per scene row and token. */
export interface SceneValues {
  logp: Float64Array[];
  entropy: Float64Array[];
  old: Float64Array[];
  ref: Float64Array[];
}

/** Rows of the policy loss; every token of a completion is live. */
export function sequencesOf(
  values: SceneValues,
  truncated: readonly boolean[],
  advantages: ArrayLike<number>,
  use: { old: boolean; ref: boolean },
): PolicySequence[] {
  return values.logp.map((logp, i) => ({
    logp,
    old: use.old ? values.old[i]! : null,
    ref: use.ref ? values.ref[i]! : null,
    entropy: values.entropy[i]!,
    mask: new Float64Array(logp.length).fill(1),
    advantage: advantages[i]!,
    truncated: truncated[i]!,
  }));
}
