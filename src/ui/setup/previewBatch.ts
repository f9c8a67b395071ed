// Completions to try a reward on before there is a model to write any: the wanted texts of some rows, and what models
// make of them when they go wrong. Pure; nothing here is trained on.

import type { DatasetRow } from '../../base/dataset';
import { fillTemplate } from '../../base/fillTemplate';
import type { RewardBatch } from '../../rewards/reward';
import type { Recipe } from '../../recipe/config';

/** Completions of a preview, at most. */
const MOST = 20;
/** Characters of a token, roughly: the page has no tokenizer. */
const CHARACTERS_PER_TOKEN = 4;

interface Variant {
  label: string;
  /** @param text the row's wanted text @param row the row @param other another row's answer */
  make(text: string, row: DatasetRow, other: string): string;
}

const VARIANTS: Variant[] = [
  { label: 'wanted', make: (text) => text },
  { label: 'another answer', make: (text, row, other) => replaceLast(text, row.answer, other) },
  { label: 'no tags', make: (text) => text.replace(/<[^>]*>/g, ' ').trim() },
  { label: 'cut off', make: (text) => text.slice(0, Math.floor(text.length / 2)) },
  { label: 'repeats itself', make: (text) => `${text}\n${text}` },
  { label: 'empty', make: () => '' },
];

export interface Preview {
  batch: RewardBatch;
  /** What each completion is: `wanted`, or how it went wrong. */
  labels: string[];
}

function replaceLast(text: string, part: string, by: string): string {
  const at = text.lastIndexOf(part);
  return at < 0 || part === '' ? `${text} ${by}` : text.slice(0, at) + by + text.slice(at + part.length);
}

/** What the model is to say to a row, by a recipe's target_template. */
export function wantedText(template: string, { thought, answer }: Pick<DatasetRow, 'thought' | 'answer'>): string {
  return fillTemplate(template, { thought: thought.trim(), answer });
}

/** An answer of the other rows that differs from the row's own. */
function otherAnswer(rows: readonly DatasetRow[], at: number): string {
  const following = [...rows.slice(at + 1), ...rows.slice(0, at)];
  return following.find(({ answer }) => answer !== rows[at]!.answer)?.answer ?? 'something else';
}

/**
 * Up to 20 completions for the first rows: as they should be and wrong in five ways, in turn.
 * @param rows any; few rows are used several times
 * @returns empty lists without rows; `lengths` are estimates
 */
export function previewOf(rows: readonly DatasetRow[], recipe: Recipe): Preview {
  const used = rows.slice(0, MOST);
  const count = Math.min(MOST, used.length * VARIANTS.length);
  const chosen = Array.from({ length: count }, (_, i) => {
    const at = i % used.length;
    // Few rows come round again: then each meets the next way to go wrong.
    const variant = VARIANTS[(at + Math.floor(i / used.length)) % VARIANTS.length]!;
    const row = used[at]!;
    const text = variant.make(wantedText(recipe.target_template, row), row, otherAnswer(used, at));
    return { row, text, label: variant.label };
  });
  const most = recipe.grpo.max_completion_length;
  const batch: RewardBatch = {
    completions: chosen.map(({ text }) => text),
    answers: chosen.map(({ row }) => row.answer),
    questions: chosen.map(({ row }) => row.question),
    thoughts: chosen.map(({ row }) => row.thought),
    lengths: chosen.map(({ text }) => Math.min(most, Math.ceil(text.length / CHARACTERS_PER_TOKEN) + 1)),
    maxCompletionLength: most,
  };
  return { batch, labels: chosen.map(({ label }) => label) };
}
