// Decode steps and an evaluation's passes, in a dry run.

import { STREAM, streamKey } from '../base/random';
import { takeTogether } from '../budgets/together';
import { packExamples } from '../data/pack';
import { generate, type Completion, type GeneratePrompt } from '../infer/generate';
import { scoreLabels } from '../train/lossPass';
import { secondsOf, TOO_LONG_SECONDS, type Times } from './dryRunClock';
import { noteRate, passesOf, type Dry } from './dryRunWork';
import { packContextOf } from './run';

/** Decode steps of the first try, and of those after it where that was too short to be timed well. */
const FEW_STEPS = 8;
const MORE_STEPS = 32;
const SHORT_SECONDS = 0.3;

/** `perPrompt` completions of each prompt, all at their full length. */
export function complete(
  { session, seed, recipe }: Dry,
  prompts: readonly GeneratePrompt[],
  perPrompt: number,
  maxNewTokens: number,
): Promise<Completion[][]> {
  const { grpo } = recipe;
  return generate(session.generation, prompts, {
    modes: [{ count: perPrompt, temperature: grpo.temperature }],
    maxNewTokens,
    suppressedIds: [session.model.config.imageTokenId],
    endIds: [],
    key: streamKey(seed, STREAM.sampling, 0, 0),
    topK: grpo.top_k,
    topP: grpo.top_p,
    minP: grpo.min_p ?? 0,
    repetitionPenalty: grpo.repetition_penalty,
    adapter: session.adapter,
  });
}

/** Seconds of the prompts alone. */
export function prefill(
  dry: Dry,
  prompts: readonly GeneratePrompt[],
  perPrompt: number,
  isWarm: boolean,
): Promise<Times> {
  return dry.clock.steady(() => secondsOf(() => complete(dry, prompts, perPrompt, 1)), isWarm);
}

/** Completions of each of at most so many prompts, as many prompts as may be, that are about `sequences` together. */
function perPromptOf(sequences: number, most: number): number {
  const prompts = Array.from({ length: Math.min(most, sequences) }, (_, i) => i + 1);
  const exact = prompts.findLast((count) => sequences % count === 0) ?? 1;
  return Math.ceil(sequences / (exact > prompts.length / 2 ? exact : prompts.length));
}

/**
 * Seconds of one decode step: what completions of so many steps take beyond their prompts.
 * Where the prompts' time is that of a first use, or nothing is left of the difference, a step counts as no less than as many
 * tokens of a prompt: each of them passes the same layers, and prompts pass them better.
 * @param alone seconds of the prompts @param promptTokens of the prompts together
 */
export function decodeStepSeconds(
  { total, alone }: { total: number; alone: number },
  steps: number,
  { sequences, promptTokens }: { sequences: number; promptTokens: number },
): number {
  const seconds = (total - alone) / steps;
  if (seconds > 0 && alone <= TOO_LONG_SECONDS) return seconds;
  return Math.max(seconds, (alone * sequences) / promptTokens);
}

/** Adds the time of one decode step of about `sequences` together. */
async function measureDecode(dry: Dry, prompts: readonly GeneratePrompt[], sequences: number): Promise<void> {
  const { clock, rates } = dry;
  let isWarm = rates.decode.length > 0;
  const perPrompt = perPromptOf(sequences, prompts.length);
  const some = prompts.slice(0, Math.max(1, Math.round(sequences / perPrompt)));
  const { total: alone } = await prefill(dry, some, perPrompt, isWarm);
  const secondsFor = async (steps: number): Promise<number> => {
    const { total } = await clock.steady(() => secondsOf(() => complete(dry, some, perPrompt, 1 + steps)), isWarm);
    isWarm = true;
    return total;
  };
  let steps = FEW_STEPS;
  let total = await secondsFor(steps);
  // More steps of what takes minutes would tell little more.
  if (total - alone < SHORT_SECONDS && alone <= TOO_LONG_SECONDS) total = await secondsFor((steps = MORE_STEPS));
  const together = some.length * perPrompt;
  const promptTokens = some.reduce((sum, { ids }) => sum + ids.length, 0);
  const seconds = decodeStepSeconds({ total, alone }, steps, { sequences: together, promptTokens });
  rates.decode.push({ sequences: together, seconds });
  rates.decode.sort((a, b) => a.sequences - b.sequences);
}

/** One sequence, and as many as decode together in the whole run. */
export async function measureGeneration(dry: Dry): Promise<void> {
  const { session, clock, wholeWork } = dry;
  const { grpo, validation } = session.rows;
  const prompts = [...grpo, ...validation].map(({ prompt }, tag) => ({ ...prompt, tag }));
  if (prompts.length === 0) return;
  clock.enter('generate');
  const chunks = wholeWork.flatMap(({ generation }) => generation?.chunks ?? []);
  const wanted = new Set([1, ...chunks.map(({ sequences }) => Math.max(1, Math.round(sequences)))]);
  for (const sequences of [...wanted].sort((a, b) => a - b)) await measureDecode(dry, prompts, sequences);
}

/** Seconds of the loss of the rows that validate. */
async function lossSeconds({ session, clock }: Dry): Promise<number> {
  const examples = session.rows.validation.flatMap(({ example }) => (example ? [example] : []));
  // Where no row fits with its target there is no such pass.
  if (examples.length === 0) return 0;
  const pass = async (): Promise<void> => {
    for (let start = 0; start < examples.length;) {
      const part = takeTogether(examples, start, session.decisions.scoreTokens);
      start += part.length;
      const batch = packExamples(part, packContextOf(session));
      await scoreLabels(session.trainee, batch, { temperature: 1, withAdapter: true });
    }
  };
  return (await clock.steady(() => secondsOf(pass))).total;
}

/** The prompts and the loss of the rows that validate, and the comparison of their answers. */
export async function measureEvaluation(dry: Dry): Promise<void> {
  const { session, clock, recipe, rates } = dry;
  const { validation } = session.rows;
  if (validation.length === 0) return;
  clock.enter('evaluate');
  const prompts = validation.map(({ prompt }, tag) => ({ ...prompt, tag }));
  const alone = await prefill(dry, prompts, 1 + recipe.eval.samples_per_row, true);
  const loss = await lossSeconds(dry);
  noteRate(rates.passes, 'evaluate', passesOf(dry, 'evaluate'), alone.total + loss);
  rates.perCompletion.evaluate = await embeddingSeconds(dry, validation);
}

/**
 * Seconds that comparing a completion with the true answer takes. Texts that were met before are remembered, so it is as
 * rare as new answers are.
 * @param rows at least one; their answers have not been met before
 */
export async function embeddingSeconds(
  { session, newAnswers }: Pick<Dry, 'session' | 'newAnswers'>,
  rows: readonly { answer: string }[],
): Promise<number> {
  const answers = rows.map(({ answer }) => answer);
  const texts = answers.map((answer, i) => `<answer>${answer} ${i}</answer>`);
  const { total } = await secondsOf(async () => session.semantic.score({ completions: texts, answers }));
  return (newAnswers * total) / (texts.length + new Set(answers).size);
}
