// One step of each training stage, by the loops of a real run, in a dry run.

import type { Completion, GeneratePrompt } from '../infer/generate';
import { grpoLoop } from '../train/grpoLoop';
import { sftLoop, sftSteps } from '../train/sftLoop';
import { newStage } from '../train/stageState';
import type { Times } from './dryRunClock';
import { complete, embeddingSeconds, prefill } from './dryRunGeneration';
import { noteRate, passesOf, type Dry } from './dryRunWork';
import { packContextOf } from './run';

/** What both loops are given. */
function loopContext({ session, clock, seed }: Dry) {
  const nothing = () => Promise.resolve();
  return {
    trainee: session.trainee,
    pack: packContextOf(session),
    seed,
    reporter: clock.reporter,
    control: { boundary: () => Promise.resolve(clock.goOn()) },
    saves: { save: nothing, owes: () => false },
    evaluate: () => Promise.resolve(null),
  };
}

/** Metrics of a step that are seconds of its parts. */
const PARTS = ['step_time', 'profiling/generate', 'profiling/score', 'profiling/train'] as const;

/** Seconds of the parts of the steps that `work` takes, from their metrics and the clock. */
async function stepTimes({ clock }: Dry, work: () => Promise<void>): Promise<Times & { passes: number }> {
  const before = { ...clock.metrics };
  const passesBefore = clock.seconds['backward'] ?? 0;
  await work();
  const own = PARTS.map((name) => [name, (clock.metrics[name] ?? 0) - (before[name] ?? 0)] as const);
  const { step_time: total = 0, ...parts } = Object.fromEntries(own);
  return { ...parts, passes: (clock.seconds['backward'] ?? 0) - passesBefore, total };
}

/** Steps of SFT: as many as go once through all rows, since batches differ and the rate is that of their mean. */
export async function measureSft(dry: Dry): Promise<void> {
  const { session, clock, recipe, rates } = dry;
  if (recipe.sft.max_steps === 0) return;
  clock.enter('sft');
  const state = newStage();
  const own = { examples: session.rows.sft, loraDropout: recipe.lora.lora_dropout };
  const steps = sftSteps(own.examples, { ...recipe.sft, max_steps: -1, num_train_epochs: 1 });
  const times = await clock.steady(() =>
    stepTimes(dry, () => {
      const options = { ...recipe.sft, max_steps: state.step + steps };
      return sftLoop({ ...loopContext(dry), ...own, options }, state, () => undefined);
    }),
  );
  const passes = times['passes'] ?? times.total;
  noteRate(rates.passes, 'sft', steps * passesOf(dry, 'sft'), passes);
  rates.perUnit.sft = Math.max(0, times.total - passes) / steps;
}

/** Tokens that are drawn for the texts of completions; they repeat. */
const DRAWN = 8;

/** Completions of the length that is expected, made of tokens that were generated. */
async function expectedCompletions(dry: Dry, prompts: readonly GeneratePrompt[]): Promise<Completion[][]> {
  const { session, recipe, expected } = dry;
  const length = Math.max(1, Math.round(expected));
  const drawn = await complete(dry, prompts, recipe.grpo.num_generations, Math.min(length, DRAWN));
  const [end = 0] = session.model.config.eosTokenIds;
  return drawn.map((group) =>
    group.map(({ ids }) => {
      const text = Array.from({ length: length - 1 }, (_, i) => ids[i % ids.length]!);
      return { ids: [...text, end], terminated: true };
    }),
  );
}

/** Seconds of embedding a completion's answer, as the evaluation has found them; without one, of the prompts' answers. */
async function rewardEmbeddings(dry: Dry): Promise<number> {
  const { session, recipe, rates } = dry;
  if (!recipe.grpo.reward_funcs.includes('semantic')) return 0;
  return rates.perCompletion.evaluate ?? embeddingSeconds(dry, session.rows.grpo);
}

/** A step of GRPO, its rewards and log-probabilities; what it generates is timed apart. */
export async function measureGrpo(dry: Dry): Promise<void> {
  const { session, clock, recipe, rates } = dry;
  const { rows, rewards, text } = session;
  if (recipe.grpo.max_steps === 0) return;
  clock.enter('grpo');
  const prompts = rows.grpo.map(({ prompt }, tag) => ({ ...prompt, tag }));
  const alone = await prefill(dry, prompts, recipe.grpo.num_generations, true);
  // Before the steps, which would leave the answers remembered.
  const embedded = await rewardEmbeddings(dry);
  const state = newStage();
  const own = {
    rows: rows.grpo,
    rewards,
    generate: (some: GeneratePrompt[]) => expectedCompletions(dry, some),
    decode: (ids: readonly number[]) => text.tokenizer.decode(ids, { skipSpecialTokens: true }),
  };
  const times = await clock.steady(() =>
    stepTimes(dry, () => {
      const options = { ...recipe.grpo, max_steps: state.step + 1 };
      return grpoLoop({ ...loopContext(dry), ...own, options }, state, () => undefined);
    }),
  );
  const { passes = 0, 'profiling/train': train = 0, 'profiling/score': score = 0 } = times;
  // Old and reference log-probabilities: all that is neither generation, reward nor training.
  const scored = recipe.grpo.beta === 0 ? 0 : times.total - (times['profiling/generate'] ?? 0) - score - train;
  noteRate(rates.passes, 'rollout', passesOf(dry, 'rollout'), alone.total + scored);
  noteRate(rates.passes, 'grpo', passesOf(dry, 'grpo'), passes);
  rates.perUnit.grpo = Math.max(0, train - passes);
  rates.perCompletion.rollout = embedded + score / (rows.grpo.length * recipe.grpo.num_generations);
}
