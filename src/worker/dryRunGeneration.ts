// Decode steps and an evaluation's passes, in a dry run.

import { STREAM, streamKey } from '../base/random';
import { takeTogether } from '../budgets/together';
import { packExamples } from '../data/pack';
import { generate, type Completion, type GeneratePrompt } from '../infer/generate';
import { scoreLabels } from '../train/lossPass';
import { secondsOf, type Times } from './dryRunClock';
import { passesOf, type Dry } from './dryRunWork';
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

/** Adds the time of one decode step of about `sequences` together. */
async function measureDecode(dry: Dry, prompts: readonly GeneratePrompt[], sequences: number): Promise<void> {
  const { clock, rates } = dry;
  let isWarm = rates.decode.length > 0;
  const perPrompt = perPromptOf(sequences, prompts.length);
  const some = prompts.slice(0, Math.max(1, Math.round(sequences / perPrompt)));
  const { total: alone } = await prefill(dry, some, perPrompt, isWarm);
  const stepsFor = async (steps: number): Promise<number> => {
    const { total } = await clock.steady(() => secondsOf(() => complete(dry, some, perPrompt, 1 + steps)), isWarm);
    isWarm = true;
    return Math.max(0, total - alone);
  };
  let steps = FEW_STEPS;
  let seconds = await stepsFor(steps);
  if (seconds < SHORT_SECONDS) seconds = await stepsFor((steps = MORE_STEPS));
  rates.decode.push({ sequences: some.length * perPrompt, seconds: seconds / steps });
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

/** The prompts and the loss of the rows that validate, and the comparison of their answers. */
export async function measureEvaluation(dry: Dry): Promise<void> {
  const { session, clock, recipe, rates } = dry;
  const { validation } = session.rows;
  if (validation.length === 0) return;
  clock.enter('evaluate');
  const prompts = validation.map(({ prompt }, tag) => ({ ...prompt, tag }));
  const alone = await prefill(dry, prompts, 1 + recipe.eval.samples_per_row, true);
  const examples = validation.flatMap(({ example }) => (example ? [example] : []));
  const loss = await clock.steady(() =>
    secondsOf(async () => {
      for (let start = 0; start < examples.length;) {
        const part = takeTogether(examples, start, session.decisions.scoreTokens);
        start += part.length;
        const batch = packExamples(part, packContextOf(session));
        await scoreLabels(session.trainee, batch, { temperature: 1, withAdapter: true });
      }
    }),
  );
  rates.passes.evaluate = passesOf(dry, 'evaluate') / (alone.total + (examples.length > 0 ? loss.total : 0));
  rates.perCompletion.evaluate = await embeddingSeconds(dry);
}

/**
 * Seconds that comparing a completion with the true answer takes. Texts that were met before are remembered, so it is as
 * rare as new answers are.
 */
async function embeddingSeconds({ session, newAnswers }: Dry): Promise<number> {
  const answers = session.rows.validation.map(({ answer }) => answer);
  const texts = answers.map((answer, i) => `<answer>${answer} ${i}</answer>`);
  const { total } = await secondsOf(async () => session.semantic.score({ completions: texts, answers }));
  return (newAnswers * total) / (texts.length + new Set(answers).size);
}
