// Our GRPO loop on a TRL run's rows, options, starting adapter and scripted completions.

import { LorikeetError } from '../../base/errors';
import { encodePrompt } from '../../data/encode';
import type { Completion } from '../../infer/generate';
import type { LoraAdapter } from '../../model/lora';
import { exactMatchReward } from '../../rewards/exactMatch';
import { formatRewardFunction } from '../../rewards/format';
import type { Reward } from '../../rewards/reward';
import type { Recipe } from '../../recipe/config';
import { grpoLoop } from '../../train/grpoLoop';
import type { GrpoRow } from '../../train/rolloutTypes';
import { rolloutPrompts } from '../../train/sampler';
import { newStage } from '../../train/stageState';
import type { DemoModel } from './demoModel';
import { sameLists, type Nested } from './facts';
import type { ParityFact } from './messages';
import { watchStage, type StageWatch } from './stageWatch';
import type { TrlRollout, TrlRun } from './trlFolder';

/** TRL holds rewards in float32. */
const REWARD_TOLERANCE = 2e-7;

/** As in tools/parity/script.py: does not apply to a completion as long as the limit. */
const brevity: Reward = {
  name: 'brevity',
  score: async ({ lengths, maxCompletionLength: limit }) =>
    lengths.map((length) => (length < limit ? 1 - length / limit : null)),
};

/** The rewards, with a list that keeps what they said: per call, per reward, per completion. */
function watchedRewards(): { rewards: Reward[]; scores: Map<string, (number | null)[][]> } {
  const scores = new Map<string, (number | null)[][]>();
  const rewards = [formatRewardFunction, exactMatchReward, brevity].map((reward): Reward => {
    const calls: (number | null)[][] = [];
    scores.set(reward.name, calls);
    return {
      name: reward.name,
      async score(batch) {
        const values = await reward.score(batch);
        calls.push(values);
        return values;
      },
    };
  });
  return { rewards, scores };
}

async function rowsOf(demo: DemoModel, run: TrlRun, recipe: Recipe): Promise<GrpoRow[]> {
  return Promise.all(
    demo.rows.slice(0, run.rows).map(async (row, i) => {
      const image = await demo.imageOf(row);
      const prompt = encodePrompt(row.question, [image], recipe, demo.encode, recipe.grpo.max_completion_length);
      if (!prompt.ok) throw new LorikeetError(prompt.problem.code, `row ${i}: ${prompt.problem.message}`);
      return { ...row, imageName: row.image, prompt: prompt.value };
    }),
  );
}

/** The script's completions of a rollout, by group. */
function scripted(rollout: TrlRollout, size: number, endIds: readonly number[]): Completion[][] {
  return rollout.rows.map((_, g) =>
    rollout.completions
      .slice(g * size, (g + 1) * size)
      .map((ids) => ({ ids, terminated: endIds.includes(ids[ids.length - 1]!) })),
  );
}

/** TRL's shuffled batch, cut into micro-batches. */
function slicesOf(rollout: TrlRollout, size: number): Uint32Array[] {
  const count = rollout.order.length / size;
  return Array.from({ length: count }, (_, i) => Uint32Array.from(rollout.order.slice(i * size, (i + 1) * size)));
}

function factsOf(
  run: TrlRun,
  recipe: Recipe,
  rows: readonly GrpoRow[],
  scores: Map<string, (number | null)[][]>,
): ParityFact[] {
  const rollouts = run.rollouts ?? [];
  const orders = rollouts.map((_, i) => Array.from(rolloutPrompts(run.rows, recipe.grpo, run.seed, i)));
  const prompts = Object.entries(run.prompts ?? {});
  const ours = rollouts.map((rollout, i): Nested =>
    rollout.rewards.map((_, c) => [...scores.values()].map((calls) => calls[i]?.[c] ?? null)),
  );
  return [
    sameLists(
      'order of prompts',
      orders,
      rollouts.map((rollout) => rollout.rows),
      `${rollouts.length} rollouts, from the seed alone`,
    ),
    sameLists(
      'tokens of prompts',
      prompts.map(([row]) => Array.from(rows[Number(row)]!.prompt.ids)),
      prompts.map(([, ids]) => ids),
      `${prompts.length} rows`,
    ),
    sameLists(
      'rewards',
      ours,
      rollouts.map(({ rewards }) => rewards),
      `${[...scores.keys()].join(', ')} of every completion`,
      REWARD_TOLERANCE,
    ),
  ];
}

/** Runs the loop. @returns what has to be the same beforehand, and the watch with the steps */
export async function runGrpo(
  demo: DemoModel,
  run: TrlRun,
  recipe: Recipe,
  adapter: LoraAdapter,
): Promise<{ facts: ParityFact[]; watch: StageWatch }> {
  const { gpu, model, featuresOf, decisions, text } = demo;
  const options = recipe.grpo;
  const rows = await rowsOf(demo, run, recipe);
  const rollouts = run.rollouts ?? [];
  const { rewards, scores } = watchedRewards();
  const watch = watchStage(gpu, adapter);
  await grpoLoop(
    {
      trainee: { gpu, model, adapter, featuresOf, decisions },
      rows,
      rewards,
      // By the index of the rollout: should the order of prompts differ, the rewards and the curves would, too.
      generate: async (_, index) => scripted(rollouts[index]!, options.num_generations, model.config.eosTokenIds),
      decode: (ids) => text.tokenizer.decode(ids, { skipSpecialTokens: true }),
      pack: demo.encode.model,
      options,
      seed: run.seed,
      control: watch.control,
      reporter: watch.reporter,
      // TRL draws this order from torch's global generator, so it is handed over.
      slicesOf: (index) => slicesOf(rollouts[index]!, options.per_device_train_batch_size),
      evaluate: async () => null,
      saves: { save: async () => undefined, owes: () => false },
    },
    newStage(),
    () => undefined,
  );
  return { facts: factsOf(run, recipe, rows, scores), watch };
}
