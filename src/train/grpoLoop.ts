// Group relative policy optimization: roll out, score, compare within groups, update. One rollout serves one step.

import type { Prompt } from '../data/encode';
import { packGroups, type Group, type PackContext, type PackedBatch } from '../data/pack';
import { STREAM, streamKey } from '../base/random';
import { generate, type Completion, type GenerateContext } from '../infer/generate';
import { resetOptimizer } from '../model/lora';
import type { GroupRecord } from '../protocol/messages';
import { isInForm } from '../rewards/format';
import type { Reward } from '../rewards/reward';
import { groupAdvantages, type Advantages } from './advantages';
import type { GrpoOptions } from './config';
import type { Control, Reporter } from './control';
import { completionMetrics } from './groupMetrics';
import { openPass, scoreLabels, type Trainee } from './lossPass';
import { clearGradient, updateAdapter } from './optimizer';
import { policyStepLoss } from './policyLoss';
import { POLICY_LOSS_DEFAULTS, type PolicySequence } from './policyLossTypes';
import { grpoMicroBatches, grpoStepPrompts } from './sampler';
import { grpoOptimizerSteps, learningRateAt, promptsPerStep } from './schedule';
import { byLabel, bySequence } from './sequences';
import { stepLoop } from './stepLoop';

/** A training prompt with what its completions are judged by and shown with. */
export interface GrpoRow {
  prompt: Prompt;
  /** sha256 of the picture's bytes. */
  image: string;
  imageName: string;
  question: string;
  answer: string;
}

export interface GrpoContext {
  trainee: Trainee;
  generation: GenerateContext;
  rows: GrpoRow[];
  rewards: Reward[];
  decode(ids: readonly number[]): string;
  pack: PackContext;
  options: GrpoOptions;
  suppressedIds: readonly number[];
  endIds: readonly number[];
  seed: number;
  control: Control;
  reporter: Reporter;
  evaluate(step: number): Promise<void>;
}

interface Rollout {
  rows: number[];
  /** Per prompt, per generation. */
  completions: Completion[][];
  texts: string[];
}

async function rollOut(context: GrpoContext, step: number, steps: number): Promise<Rollout> {
  const { options, reporter, trainee } = context;
  const rows = Array.from(grpoStepPrompts(context.rows.length, options, context.seed, step));
  const prompts = rows.map((row) => ({ ...context.rows[row].prompt, tag: row }));
  const completions = await reporter.timed('generate', () =>
    generate(context.generation, prompts, {
      modes: [{ count: options.num_generations, temperature: options.temperature }],
      maxNewTokens: options.max_completion_length,
      suppressedIds: context.suppressedIds,
      endIds: context.endIds,
      key: streamKey(context.seed, STREAM.sampling, 1, step),
      topK: options.top_k,
      topP: options.top_p,
      minP: options.min_p ?? 0,
      repetitionPenalty: options.repetition_penalty,
      adapter: trainee.adapter,
      onProgress: (done, total) =>
        reporter.progress({ phase: 'generate', done, total, unit: 'completions', step: step + 1, steps }),
    }),
  );
  return { rows, completions, texts: completions.flat().map(({ ids }) => context.decode(ids)) };
}

async function score(context: GrpoContext, { rows, texts }: Rollout): Promise<(number | null)[][]> {
  const answers = rows.flatMap((row) =>
    new Array<string>(context.options.num_generations).fill(context.rows[row].answer),
  );
  const columns = await Promise.all(context.rewards.map((reward) => reward.score({ completions: texts, answers })));
  return texts.map((_, i) => columns.map((column) => column[i]));
}

function groupRecords(
  context: GrpoContext,
  rollout: Rollout,
  rewards: (number | null)[][],
  advantages: Advantages,
): GroupRecord[] {
  const size = context.options.num_generations;
  return rollout.rows.map((row, g) => {
    const { image, imageName, question, answer } = context.rows[row];
    return {
      image,
      imageName,
      question,
      answer,
      rewardMean: advantages.groupMean[g],
      rewardStd: advantages.groupStd[g],
      completions: rollout.completions[g].map((completion, k) => {
        const i = g * size + k;
        return {
          text: rollout.texts[i],
          length: completion.ids.length,
          terminated: completion.terminated,
          rewards: Object.fromEntries(context.rewards.map(({ name }, f) => [name, rewards[i][f] ?? NaN])),
          reward: advantages.rewards[i],
          advantage: advantages.advantages[i],
          inForm: isInForm(rollout.texts[i]),
        };
      }),
    };
  });
}

/** Completions that go through the model together; a pack never holds more than one training batch of them. */
function packsOf(
  context: GrpoContext,
  { rows, completions }: Rollout,
): { batch: PackedBatch; first: number; count: number }[] {
  const { options, pack } = context;
  const groupsPerPack = Math.max(1, Math.floor(options.per_device_train_batch_size / options.num_generations));
  const packs = [];
  for (let g = 0; g < rows.length; g += groupsPerPack) {
    const groups = rows.slice(g, g + groupsPerPack).map((row, i): Group => {
      return { prompt: context.rows[row].prompt, completions: completions[g + i].map(({ ids }) => ids) };
    });
    packs.push({
      batch: packGroups(groups, pack),
      first: g * options.num_generations,
      count: groups.length * options.num_generations,
    });
  }
  return packs;
}

/** The policy loss of the step and its gradient. Returns loss and TRL's metrics. */
async function backward(context: GrpoContext, rollout: Rollout, advantages: Float64Array, step: number) {
  const { trainee, options, seed } = context;
  const { temperature } = options;
  const recompute = options.gradient_checkpointing;
  const packs = packsOf(context, rollout);
  const completions = rollout.completions.flat();
  const sequences = new Array<PolicySequence>(completions.length);
  // With one pack its forward pass is kept open; with several, each is run again once all coefficients are known.
  const only = packs.length === 1 ? await openPass(trainee, packs[0].batch, { temperature, recompute }) : undefined;
  for (const { batch, first, count } of packs) {
    const own = only?.values ?? (await scoreLabels(trainee, batch, { temperature, withAdapter: true }));
    const base = options.beta === 0 ? null : await scoreLabels(trainee, batch, { temperature, withAdapter: false });
    const logp = bySequence(batch.labels, own.logp, count);
    const entropy = bySequence(batch.labels, own.entropy, count);
    const ref = base && bySequence(batch.labels, base.logp, count);
    for (let i = 0; i < count; i++) {
      sequences[first + i] = {
        logp: logp[i],
        old: null,
        ref: ref && ref[i],
        entropy: entropy[i],
        mask: new Float64Array(logp[i].length).fill(1),
        advantage: advantages[first + i],
        truncated: !completions[first + i].terminated,
      };
    }
  }
  const microBatches = grpoMicroBatches(sequences.length, options, seed, step);
  const { loss, c, e, metrics } = policyStepLoss(sequences, microBatches, { ...POLICY_LOSS_DEFAULTS, ...options });
  clearGradient(trainee.gpu, trainee.adapter);
  for (const { batch, first, count } of packs) {
    const pass = only ?? (await openPass(trainee, batch, { temperature, recompute }));
    const part = (values: Float64Array[]) => byLabel(batch.labels, values.slice(first, first + count));
    await pass.backward(part(c), part(e));
  }
  return { loss, metrics };
}

async function grpoStep(context: GrpoContext, step: number, steps: number, tokensBefore: number): Promise<number> {
  const { trainee, options, reporter } = context;
  const began = performance.now();
  const clock = () => (performance.now() - began) / 1000;
  const rollout = await rollOut(context, step, steps);
  const generated = clock();
  const flat = rollout.completions.flat();
  reporter.progress({ phase: 'score', done: 0, total: flat.length, unit: 'completions', step: step + 1, steps });
  const rewards = await reporter.timed('score', () => score(context, rollout));
  const advantages = groupAdvantages({
    rewards,
    names: context.rewards.map(({ name }) => name),
    weights: options.reward_weights,
    numGenerations: options.num_generations,
    scaleRewards: options.scale_rewards,
  });
  const scored = clock();
  reporter.progress({ phase: 'backward', done: 0, total: flat.length, unit: 'completions', step: step + 1, steps });
  const { loss, metrics } = await reporter.timed('backward', () =>
    backward(context, rollout, advantages.advantages, step),
  );
  reporter.progress({ phase: 'update', done: 0, total: 1, unit: 'updates', step: step + 1, steps });
  const rate = learningRateAt(step, steps, options);
  const norm = await reporter.timed('update', () =>
    updateAdapter(trainee.gpu, trainee.adapter, options, step + 1, rate),
  );
  const groups = groupRecords(context, rollout, rewards, advantages);
  const lengths = completionMetrics({
    lengths: flat.map(({ ids }) => ids.length),
    terminated: flat.map(({ terminated }) => terminated),
    promptLengths: rollout.rows.flatMap((row) =>
      new Array<number>(options.num_generations).fill(context.rows[row].prompt.ids.length),
    ),
    tokensBefore,
  });
  const inForm = groups.flatMap((group) => group.completions).filter((completion) => completion.inForm).length;
  reporter.emit({ type: 'groups', step: step + 1, groups });
  reporter.emit({
    type: 'step',
    stage: 'grpo',
    step: step + 1,
    steps,
    metrics: {
      loss,
      grad_norm: norm,
      learning_rate: rate,
      ...advantages.metrics,
      format_compliance: inForm / flat.length,
      ...metrics,
      ...lengths,
      epoch: ((step + 1) * promptsPerStep(options)) / context.rows.length,
      step_time: clock(),
      'profiling/generate': generated,
      'profiling/score': scored - generated,
      'profiling/train': clock() - scored,
    },
  });
  return lengths.num_tokens;
}

/**
 * Runs the whole stage with a fresh optimizer on the adapter as it is.
 * @throws StopRequested at a step boundary, train.notFinite, gpu.*, reward.*
 */
export async function grpoLoop(context: GrpoContext, onStep: (done: number) => void): Promise<number> {
  const { trainee, options, control } = context;
  const steps = grpoOptimizerSteps(context.rows.length, options);
  resetOptimizer(trainee.gpu, trainee.adapter);
  let tokens = 0;
  const frame = { steps, evalSteps: options.eval_steps, control, evaluate: context.evaluate, onStep };
  return stepLoop(frame, async (step) => {
    tokens = await grpoStep(context, step, steps, tokens);
  });
}
