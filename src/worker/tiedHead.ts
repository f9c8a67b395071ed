// Whether the head shares the embedding's matrix, as transformers decides it: by config.json, unless the files hold a head
// of their own with other values (transformers/modeling_utils.py, tie_weights).

import { readBytes, readSafetensorsHeader } from '../formats/safetensors';
import type { TensorLocation } from '../formats/safetensorsHeader';
import type { WeightFiles } from '../formats/weightFiles';
import { mapWeightName } from '../model/weightNames';

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
/** Compared at a time, so that memory does not grow with the vocabulary. */
const PIECE_BYTES = 8 * 2 ** 20;

type Files = Record<string, Blob>;

async function find(files: Files, weights: WeightFiles): Promise<Map<string, TensorLocation>> {
  const found = new Map<string, TensorLocation>();
  for (const file of weights.files) {
    const header = await readSafetensorsHeader(files[file]!, file);
    for (const [name, location] of header.tensors) {
      const hubName = mapWeightName(name);
      if (weights.has(name) && (hubName === EMBEDDING || hubName === HEAD)) found.set(hubName, location);
    }
  }
  return found;
}

async function sameBytes(files: Files, a: TensorLocation, b: TensorLocation): Promise<boolean> {
  const bytes = a.end - a.start;
  if (a.dtype !== b.dtype || bytes !== b.end - b.start) return false;
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, bytes - at);
    const pieces = [a, b].map(({ file, start }) => readBytes(files[file]!, start + at, start + at + length, file));
    const [left, right] = await Promise.all(pieces);
    if (!left!.every((value, i) => value === right![i])) return false;
  }
  return true;
}

/**
 * Looks for a head beside a tied embedding.
 * @param files the model's files @param weights opened from them
 * @returns `none`, `equal` (it may be left aside) or `own`: then the model is not tied, whatever config.json says
 * @throws safetensors.*, file.read
 */
export async function headBeside(files: Files, weights: WeightFiles): Promise<'none' | 'equal' | 'own'> {
  if (!weights.names().some((name) => mapWeightName(name) === HEAD)) return 'none';
  const found = await find(files, weights);
  const [embedding, head] = [found.get(EMBEDDING), found.get(HEAD)];
  if (!embedding || !head) return 'none';
  return (await sameBytes(files, embedding, head)) ? 'equal' : 'own';
}
