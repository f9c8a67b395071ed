// One rollout of GRPO: completions of some prompts, their rewards and advantages, and the log-probabilities that stay
// fixed while the policy moves. It serves one or several optimizer steps.

import { smallerScoring } from '../budgets/smaller';
import { workOf } from '../budgets/together';
import type { PackContext } from '../data/pack';
import type { Completion, GeneratePrompt } from '../infer/generate';
import { relieved } from '../infer/relief';
import type { LoraAdapter } from '../model/lora';
import { scoresOf, type Reward, type RewardBatch } from '../rewards/reward';
import { groupAdvantages, type Advantages } from './advantages';
import type { GrpoOptions } from '../recipe/config';
import type { Reporter } from './control';
import { scoreLabels, type Trainee } from './lossPass';
import { lengthsOf, packParts } from './rolloutPacks';
import type { GrpoRow, Rollout } from './rolloutTypes';
import { rolloutPrompts, rolloutSlices } from './sampler';
import { rolloutShape } from './schedule';
import { bySequence } from './sequences';

export interface RolloutContext {
  trainee: Trainee;
  /** Weights of the KL reference; undefined: the base model, adapter off. */
  reference?: LoraAdapter;
  rows: GrpoRow[];
  rewards: Reward[];
  /** Completions of each prompt, `num_generations` of them, for the rollout of this index. */
  generate(
    prompts: GeneratePrompt[],
    rollout: number,
    onProgress: (done: number, total: number) => void,
  ): Promise<Completion[][]>;
  /** Token ids to text, special tokens skipped. */
  decode(ids: readonly number[]): string;
  pack: PackContext;
  options: GrpoOptions;
  seed: number;
  reporter: Reporter;
  /** How a rollout is cut into micro-batches; left out: shuffled, as TRL does. */
  slicesOf?(rollout: number): Uint32Array[];
}

/** What a reward function is given of a rollout. */
function rewardBatch(
  context: Pick<RolloutContext, 'rows' | 'options'>,
  rows: readonly number[],
  completions: Completion[][],
  texts: string[],
): RewardBatch {
  const repeated = rows.flatMap((row, g) => completions[g]!.map(() => context.rows[row]!));
  return {
    completions: texts,
    answers: repeated.map(({ answer }) => answer),
    questions: repeated.map(({ question }) => question),
    thoughts: repeated.map(({ thought }) => thought),
    lengths: completions.flat().map(({ ids }) => ids.length),
    maxCompletionLength: context.options.max_completion_length,
  };
}

/** Log-probabilities of all completions, nothing kept for a backward pass. */
async function logProbs(
  context: Pick<RolloutContext, 'trainee' | 'rows' | 'pack' | 'options'>,
  rollout: Pick<Rollout, 'rows' | 'completions'>,
  adapter: LoraAdapter | undefined,
): Promise<Float64Array[]> {
  const { options } = context;
  const trainee = adapter ? { ...context.trainee, adapter } : context.trainee;
  const out = new Array<Float64Array>(rollout.completions.flat().length);
  const all = rollout.completions.flatMap((group) => group.map(() => true));
  const work = workOf(lengthsOf(context.rows, rollout));
  await relieved(
    trainee,
    () => smallerScoring(trainee.decisions, work),
    async () => {
      for (const { batch, sequences } of packParts(context, rollout, all, trainee.decisions.scoreTokens)) {
        const { logp } = await scoreLabels(trainee, batch, {
          temperature: options.temperature,
          withAdapter: adapter !== undefined,
        });
        bySequence(batch.labels, logp, sequences.length).forEach((values, i) => (out[sequences[i]!] = values));
      }
    },
  );
  return out;
}

/** Wall seconds of a rollout's parts. */
export interface RolloutSeconds {
  generate: number;
  score: number;
}

export interface MadeRollout {
  rollout: Rollout;
  advantages: Advantages;
  seconds: RolloutSeconds;
}

/**
 * Makes the rollout of this index with the policy as it is now.
 * @param place step and steps for progress reports
 * @throws reward.*, gpu.*
 * Source: TRL 1.16 `_generate_and_score_completions`.
 */
export async function makeRollout(
  context: RolloutContext,
  index: number,
  place: { step: number; steps: number },
): Promise<MadeRollout> {
  const { options, reporter, trainee } = context;
  const began = reporter.now();
  const rows = Array.from(rolloutPrompts(context.rows.length, options, context.seed, index));
  const prompts = rows.map((row) => ({ ...context.rows[row]!.prompt, tag: row }));
  const completions = await reporter.timed('generate', () =>
    context.generate(prompts, index, (done, total) =>
      reporter.progress({ phase: 'generate', done, total, unit: 'completions', ...place }),
    ),
  );
  const texts = completions.flat().map(({ ids }) => context.decode(ids));
  const generated = reporter.now();
  reporter.progress({ phase: 'score', done: 0, total: texts.length, unit: 'completions', ...place });
  const batch = rewardBatch(context, rows, completions, texts);
  const rewards = await reporter.timed('score', async () => {
    const columns = await Promise.all(context.rewards.map((reward) => scoresOf(reward, batch)));
    return texts.map((_, i) => columns.map((column) => column[i]!));
  });
  const advantages = groupAdvantages({
    rewards,
    names: context.rewards.map(({ name }) => name),
    weights: options.reward_weights ?? context.rewards.map(() => 1),
    numGenerations: options.num_generations,
    scaleRewards: options.scale_rewards,
    aggregation: options.multi_objective_aggregation,
  });
  const scored = reporter.now();
  const made = { rows, completions };
  const servesSeveralSteps = options.gradient_accumulation_steps % rolloutShape(options).microSteps !== 0;
  const rollout: Rollout = {
    index,
    ...made,
    texts,
    rewards,
    advantages: advantages.advantages,
    old: servesSeveralSteps ? await logProbs(context, made, trainee.adapter) : null,
    ref: options.beta === 0 ? null : await logProbs(context, made, context.reference),
    slices: context.slicesOf?.(index) ?? rolloutSlices(options, context.seed, index),
  };
  const seconds = { generate: (generated - began) / 1000, score: (scored - generated) / 1000 };
  return { rollout, advantages, seconds };
}
