// Validation: mean loss over target tokens, and scores of greedy and sampled completions of held-out rows.

import { check } from '../base/errors';
import { STREAM, streamKey } from '../base/random';
import { smallerScoring } from '../budgets/smaller';
import { takeTogether, workOf } from '../budgets/together';
import type { Example, Prompt } from '../data/encode';
import { generate, type GenerateContext } from '../infer/generate';
import { relieved } from '../infer/relief';
import type { LoraAdapter } from '../model/lora';
import { isExact } from '../rewards/exactMatch';
import { isInForm } from '../rewards/format';
import type { AnswerBatch, Reward } from '../rewards/reward';
import { scoreCompletions, type CompletionScores } from './scorers';

export interface EvalRow {
  /** null when the row does not fit the context with its target. */
  example: Example | null;
  prompt: Prompt;
  /** sha256 of the picture's bytes. */
  image: string;
  question: string;
  thought: string;
  answer: string;
}

/** A greedy completion of one row. */
export interface GreedySample {
  image: string;
  question: string;
  answer: string;
  text: string;
  inForm: boolean;
  right: boolean;
}

export interface EvalResult {
  rows: number;
  /** null when no row fits with its target. */
  evalLoss: number | null;
  greedy: CompletionScores;
  sampled: CompletionScores | null;
  samples: GreedySample[];
}

export interface EvalContext {
  generation: GenerateContext;
  adapter?: LoraAdapter;
  rows: EvalRow[];
  semantic: Reward<AnswerBatch>;
  decode(ids: readonly number[]): string;
  /** Sum of log-probabilities and number of labels of some examples. */
  loss(examples: Example[]): Promise<{ sum: number; labels: number }>;
  samplesPerRow: number;
  temperature: number;
  maxNewTokens: number;
  suppressedIds: readonly number[];
  endIds: readonly number[];
  seed: number;
  /** Part of the sampling key, so that evaluations draw independently. */
  round: number;
  /** Waits while paused; throws when the run is to stop. */
  boundary(): Promise<void>;
  onProgress(done: number, total: number): void;
  onSample?(sample: GreedySample): void;
}

/** Rows of the first part at most, so that something can be shown soon. */
const FIRST_ROWS = 12;

/** Rows that decode together: as many as cache and logits have room for. */
function rowsTogether(context: Pick<EvalContext, 'rows' | 'samplesPerRow' | 'maxNewTokens' | 'generation'>): number {
  const { cacheRows, sequencesTogether } = context.generation.decisions;
  const longest = Math.max(...context.rows.map((row) => row.prompt.ids.length));
  const sequences = 1 + context.samplesPerRow;
  const perRow = longest + sequences * context.maxNewTokens;
  return Math.max(1, Math.min(Math.floor(cacheRows / perRow), Math.floor(sequencesTogether / sequences)));
}

interface Texts {
  greedy: string[];
  sampled: string[];
}

async function complete(context: EvalContext): Promise<Texts> {
  const { rows, samplesPerRow } = context;
  const texts: Texts = { greedy: [], sampled: [] };
  const perRow = 1 + samplesPerRow;
  const total = rows.length * perRow;
  for (let start = 0; start < rows.length;) {
    await context.boundary();
    const count = rowsTogether(context);
    const part = rows.slice(start, start + (start === 0 ? Math.min(FIRST_ROWS, count) : count));
    const prompts = part.map((row, i) => ({ ...row.prompt, tag: start + i }));
    const completions = await generate(context.generation, prompts, {
      modes: [
        { count: 1, temperature: 0 },
        { count: samplesPerRow, temperature: context.temperature },
      ],
      maxNewTokens: context.maxNewTokens,
      suppressedIds: context.suppressedIds,
      endIds: context.endIds,
      key: streamKey(context.seed, STREAM.sampling, 2, context.round),
      topK: 0,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
      adapter: context.adapter,
      onProgress: (done) => context.onProgress(start * perRow + done, total),
    });
    completions.forEach(([greedy, ...sampled], i) => {
      check(greedy, 'eval.generate', `Evaluation: prompt ${start + i} got no greedy completion.`);
      const text = context.decode(greedy.ids);
      texts.greedy.push(text);
      texts.sampled.push(...sampled.map(({ ids }) => context.decode(ids)));
      context.onSample?.(sampleOf(part[i]!, text));
    });
    start += part.length;
  }
  return texts;
}

function sampleOf({ image, question, answer }: EvalRow, text: string): GreedySample {
  return { image, question, answer, text, inForm: isInForm(text), right: isExact(text, answer) };
}

async function scoreTexts(
  reward: EvalContext['semantic'],
  rows: EvalRow[],
  texts: string[],
): Promise<CompletionScores> {
  const semantic = await reward.score({ completions: texts, answers: rows.map((row) => row.answer) });
  return scoreCompletions(
    rows,
    texts,
    semantic.map((value) => value ?? NaN),
  );
}

/** null when no row has a label. */
async function meanLoss({
  rows,
  loss,
  generation,
  boundary,
}: Pick<EvalContext, 'rows' | 'loss' | 'generation' | 'boundary'>): Promise<number | null> {
  const examples = rows.flatMap((row) => (row.example ? [row.example] : []));
  const { decisions } = generation;
  let sum = 0;
  let labels = 0;
  for (let start = 0; start < examples.length;) {
    await boundary();
    let part: Example[] = [];
    const found = await relieved(
      generation,
      () => smallerScoring(decisions, workOf(part.map(({ ids }) => ids.length))),
      () => loss((part = takeTogether(examples, start, decisions.scoreTokens))),
    );
    sum += found.sum;
    labels += found.labels;
    start += part.length;
  }
  return labels === 0 ? null : -sum / labels;
}

/**
 * Evaluates the model as it is now.
 * @throws what `boundary` throws when the run is to stop; gpu.*; reward.*
 */
export async function evaluate(context: EvalContext): Promise<EvalResult> {
  const { rows, samplesPerRow, semantic } = context;
  const texts = await complete(context);
  const greedy = await scoreTexts(semantic, rows, texts.greedy);
  const repeated = rows.flatMap((row) => new Array<EvalRow>(samplesPerRow).fill(row));
  const sampled = samplesPerRow > 0 ? await scoreTexts(semantic, repeated, texts.sampled) : null;
  const evalLoss = await meanLoss(context);
  return {
    rows: rows.length,
    evalLoss,
    greedy,
    sampled,
    samples: rows.map((row, i) => sampleOf(row, texts.greedy[i]!)),
  };
}
