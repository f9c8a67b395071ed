// The semantic reward: cosine of sentence embeddings of the true and the predicted answer.
// The encoder is handed in; this file never knows where it runs.

import { check } from '../base/errors';
import { pythonStrip } from '../text/pythonStrip';
import { predictedAnswer } from './format';
import { pythonRound } from './pythonText';
import type { AnswerBatch, Reward } from './reward';

/** Embeds texts; one row per text, all of one width. */
export type Embed = (texts: string[]) => Promise<Float32Array[]>;

// 384 floats each: about 6 MB. Answers repeat, so a run of thousands of steps stays far below it.
const REMEMBERED = 4096;
// Texts are padded to the longest of a batch, and attention grows with its square: batches stay small.
const BATCH = 32;

/** Cosine of two vectors, in float64. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return dot / Math.sqrt(aa * bb);
}

/** The text of the true answer that is embedded. */
export function embeddedAnswer(answer: string): string {
  return pythonStrip(answer).toLowerCase();
}

/** An `embed` that remembers up to `limit` texts (the least recently used go first) and asks once per unseen text. */
export function rememberEmbeddings(embed: Embed, limit = REMEMBERED): Embed {
  const memory = new Map<string, Float32Array>();
  return async (texts) => {
    const found = new Map<string, Float32Array>();
    const unseen: string[] = [];
    for (const text of new Set(texts)) {
      const known = memory.get(text);
      if (known) found.set(text, known);
      else unseen.push(text);
    }
    for (let start = 0; start < unseen.length; start += BATCH) {
      const part = unseen.slice(start, start + BATCH);
      const rows = await embed(part);
      check(rows.length === part.length, 'reward.encoder', `Encoder: ${part.length} texts gave ${rows.length} rows.`);
      part.forEach((text, i) => found.set(text, rows[i]!));
    }
    for (const [text, row] of found) {
      memory.delete(text);
      memory.set(text, row);
    }
    for (const text of memory.keys()) {
      if (memory.size <= limit) break;
      memory.delete(text);
    }
    return texts.map((text) => found.get(text)!);
  };
}

/**
 * The semantic reward over an encoder.
 * @param embed sentence embeddings, any length of vector; answers repeat, so hand in one that remembers
 * @returns rewards in -1..1, rounded to 4 places as Python's `round`; never null
 */
export function createSemanticReward(embed: Embed): Reward<AnswerBatch> {
  return {
    name: 'semantic',
    score: async ({ completions, answers }) => {
      const texts = [...answers.map(embeddedAnswer), ...completions.map(predictedAnswer)];
      const rows = await embed(texts);
      return completions.map((_, i) => pythonRound(cosine(rows[i]!, rows[answers.length + i]!), 4));
    },
  };
}
