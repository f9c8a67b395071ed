// Whether the head shares the embedding's matrix, as transformers decides it: by config.json, unless the files hold a head
// of their own with other values (transformers/modeling_utils.py, tie_weights).

import type { WeightFiles } from '../formats/weightFiles';
import { withHubNames } from '../model/weightNames';
import type { ModelSource } from '../protocol/messages';
import { keyOf } from './chosenModel';

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
/** Compared at a time, so that memory does not grow with the vocabulary. */
const PIECE_ELEMENTS = 4 * 2 ** 20;

async function sameValues(weights: WeightFiles): Promise<boolean> {
  const [elements, others] = [EMBEDDING, HEAD].map((name) => weights.shape(name).reduce((a, b) => a * b, 1));
  if (weights.dtype(EMBEDDING) !== weights.dtype(HEAD) || elements !== others) return false;
  for (let from = 0; from < elements!; from += PIECE_ELEMENTS) {
    const to = Math.min(elements!, from + PIECE_ELEMENTS);
    const [left, right] = await Promise.all([EMBEDDING, HEAD].map((name) => weights.readElements(name, from, to)));
    if (left!.some((value, i) => value !== right![i])) return false;
  }
  return true;
}

/** `none`, `equal` (it may be left aside) or `own`: then the model is not tied, whatever config.json says. */
export type HeadBeside = 'none' | 'equal' | 'own';

/**
 * Looks for a head beside a tied embedding; where there is one, both are read, in full where they are equal.
 * @throws weights.nonFinite, file.read
 */
export async function headBeside(files: WeightFiles): Promise<HeadBeside> {
  const weights = withHubNames(files);
  if (!weights.has(HEAD) || !weights.has(EMBEDDING)) return 'none';
  return (await sameValues(weights)) ? 'equal' : 'own';
}

/** Finds the head that stands beside the embedding of a model, whose weights are given and the source they are of. */
export type FindHead = (weights: WeightFiles, source: ModelSource) => Promise<HeadBeside>;

/**
 * Makes a `headBeside` that knows the last source's answer, for who opens the same model again and again: 1.2 GB are
 * compared at 3B.
 * @throws (from the function) as headBeside
 */
export function rememberHead(): FindHead {
  let known: { key: string; head: Promise<HeadBeside> } | null = null;
  return async (weights, source) => {
    const key = keyOf(source);
    if (known?.key !== key) known = { key, head: headBeside(weights) };
    const { head } = known;
    try {
      return await head;
    } catch (error) {
      // The files may be whole at the next try.
      if (known?.head === head) known = null;
      throw error;
    }
  };
}
