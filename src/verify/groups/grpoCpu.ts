// Checks of the grpo group that need no model and no GPU: advantages, and the losses from stored log-probabilities.

import { groupAdvantages } from '../../train/advantages';
import { completionMetrics } from '../../train/groupMetrics';
import { LOSS_TYPES } from '../../recipe/config';
import { defaultRecipe } from '../../recipe/defaultRecipe';
import type { Accumulation, PolicyLossOptions, PolicySequence } from '../../train/policy/policyLossTypes';
import { compareScalar, compareTensor } from '../../reference/compare';
import type { CheckResult, ReferenceCase, ReferenceTensor, VerifyContext } from '../../reference/types';
import { policyStepLoss } from './policyStepLoss';

interface ScalarTolerance {
  atol: number;
  rtol?: number;
}

type Metrics = Record<string, number | null>;

interface AdvantageFile {
  cases: {
    name: string;
    num_generations: number;
    options: {
      scale_rewards?: 'group' | 'batch' | 'none';
      reward_weights?: number[];
      multi_objective_aggregation?: 'sum_then_normalize' | 'normalize_then_sum';
    };
    rewards: (number | null)[][];
    completion_lengths: number[];
    terminated: boolean[];
    advantages: number[];
    metrics: Metrics;
  }[];
  tolerance: { advantages: { atol: number; rtol: number }; metrics: ScalarTolerance };
}

export interface LossCase {
  id: string;
  options: Partial<Omit<PolicyLossOptions, 'loss_type'>> & {
    loss_type: string;
    num_iterations?: number;
    temperature?: number;
    gradient_accumulation_steps?: number;
    steps_per_generation?: number;
  };
  micro_batches: number[][] | null;
  loss: number;
  micro_losses: number[];
  loss_tolerance: ScalarTolerance;
  metrics: Record<string, (number | null)[]>;
}

export interface LossFile {
  cases: LossCase[];
  metrics_tolerance: { atol: number; rtol: number };
}

/** The worst of several metrics as one line; a null stands for NaN. */
export function compareMetrics(
  name: string,
  got: Record<string, number>,
  want: Metrics,
  tolerance: ScalarTolerance,
): CheckResult {
  const results = Object.entries(want).map(([key, value]) => {
    const label = `${name} ${key}`;
    if (value === null) return { name: label, pass: Number.isNaN(got[key]), detail: `got ${got[key]}, want NaN` };
    return compareScalar(label, got[key] ?? NaN, value, tolerance.atol, tolerance.rtol ?? 0);
  });
  const failed = results.find((result) => !result.pass);
  if (failed) return failed;
  const worst = results.reduce<CheckResult>(
    (a, b) => ((b.worst ?? 0) >= (a.worst ?? 0) ? b : a),
    results[0] ?? { name, pass: true },
  );
  return { ...worst, name: `${name}: ${results.length} metrics` };
}

/** A recorded num_tokens counts prompts that the file does not list; what is left over is their sum. */
function metricsOfLengths(record: AdvantageFile['cases'][number]): Record<string, number> {
  const metrics = completionMetrics({
    lengths: record.completion_lengths,
    terminated: record.terminated,
    promptLengths: [],
    tokensBefore: 0,
  });
  delete metrics.num_tokens;
  return metrics;
}

/**
 * Checks advantages and metrics of every case of `advantages.json`.
 * @param context where results go @param entry a case of kind `grpo`
 */
export async function verifyAdvantages(context: VerifyContext, entry: ReferenceCase): Promise<void> {
  const file = (await context.folder.json(`${entry.path}/advantages.json`)) as AdvantageFile;
  for (const record of file.cases) {
    const names = record.rewards[0]!.map((_, i) => `reward_${i}`);
    const got = groupAdvantages({
      rewards: record.rewards,
      names,
      weights: record.options.reward_weights ?? names.map(() => 1),
      numGenerations: record.num_generations,
      scaleRewards: record.options.scale_rewards ?? 'group',
      aggregation: record.options.multi_objective_aggregation,
    });
    const label = `${entry.id} advantages ${record.name}`;
    const shape = [record.advantages.length];
    context.report(compareTensor(label, got.advantages, record.advantages, shape, file.tolerance.advantages));
    const { num_tokens: _, ...want } = record.metrics;
    const metrics = { ...got.metrics, ...metricsOfLengths(record) };
    context.report(compareMetrics(label, metrics, want, file.tolerance.metrics));
  }
}

/**
 * The complete options of a case: TRL's defaults where the file names none; null when the loss type is not known here.
 * @param maxCompletionLength of the scene, where the options name none
 */
export function lossOptions(options: LossCase['options'], maxCompletionLength: number): PolicyLossOptions | null {
  const lossType = LOSS_TYPES.find((name) => name === options.loss_type);
  if (lossType === undefined) return null;
  return { ...defaultRecipe.grpo, max_completion_length: maxCompletionLength, ...options, loss_type: lossType };
}

/** Where the case's micro-batches stand; what it does not name follows from their number. */
export function accumulationOf({ options }: LossCase): Partial<Accumulation> {
  const { gradient_accumulation_steps: steps, steps_per_generation: perGeneration = steps } = options;
  return steps === undefined ? {} : { gradientAccumulationSteps: steps, stepsPerGeneration: perGeneration };
}

/** Rows of the stored batch for one case: old is null with num_iterations 1, ref is null with beta 0. */
export function storedSequences(
  record: LossCase,
  tensors: Map<string, ReferenceTensor>,
  truncated: readonly boolean[],
): PolicySequence[] {
  // Python prints a float with a decimal point: t1.0, t0.9.
  const temperature = record.options.temperature ?? 1;
  const prefix = `t${Number.isInteger(temperature) ? temperature.toFixed(1) : temperature}`;
  const rowsOf = (name: string): ArrayLike<number>[] => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`loss.safetensors has no tensor ${name}`);
    const width = tensor.shape[1] ?? 1;
    return Array.from({ length: tensor.shape[0]! }, (_, i) => tensor.data.subarray(i * width, (i + 1) * width));
  };
  const at = (name: string) => rowsOf(`${prefix}.${name}`);
  const [logp, old] = [at('log_probs'), at('old_log_probs')];
  const [ref, entropy] = [at('ref_log_probs'), at('entropy')];
  const mask = rowsOf('completion_mask');
  const advantages = rowsOf('advantages');
  return logp.map((row, i) => ({
    logp: row,
    old: (record.options.num_iterations ?? 1) > 1 ? old[i]! : null,
    ref: (record.options.beta ?? 0) !== 0 ? ref[i]! : null,
    entropy: entropy[i]!,
    mask: mask[i]!,
    advantage: advantages[i]![0]!,
    truncated: truncated[i]!,
  }));
}

/** A clip ratio may differ by one token when a ratio lies within 1e-5 of its bound; nothing else may. */
function clipSlack(sequences: readonly PolicySequence[], rows: readonly number[], options: PolicyLossOptions): number {
  if (options.importance_sampling_level === 'sequence') return 0;
  const bounds = [1 - options.epsilon, 1 + (options.epsilon_high ?? options.epsilon)];
  const live = rows.flatMap((row) => {
    const { logp, old, mask } = sequences[row]!;
    return Array.from(logp, (value, t) => (mask[t] && old ? Math.exp(value - old[t]!) : NaN));
  });
  const near = live.some((ratio) => bounds.some((bound) => Math.abs(ratio - bound) < 1e-5));
  return near ? 1 / live.filter((ratio) => !Number.isNaN(ratio)).length : 0;
}

/**
 * Checks the loss, each micro-batch's loss and all metrics of every case of `loss.json`,
 * computed from the log-probabilities and entropies stored in `loss.safetensors`.
 */
export async function verifyPolicyLosses(context: VerifyContext, entry: ReferenceCase): Promise<void> {
  const file = (await context.folder.json(`${entry.path}/loss.json`)) as LossFile;
  const scene = (await context.folder.json(`${entry.path}/scene.json`)) as {
    truncated: boolean[];
    max_completion_length: number;
  };
  const tensors = await context.folder.tensors(`${entry.path}/loss.safetensors`);
  for (const record of file.cases) {
    const options = lossOptions(record.options, scene.max_completion_length);
    if (options === null) {
      context.uncovered(`${entry.id} loss ${record.id}`);
      continue;
    }
    const sequences = storedSequences(record, tensors, scene.truncated);
    const parts = record.micro_batches ?? [sequences.map((_, i) => i)];
    const got = policyStepLoss(sequences, parts, options, accumulationOf(record));
    const label = `${entry.id} loss ${record.id} from stored log-probs`;
    context.report(compareScalar(label, got.loss, record.loss, record.loss_tolerance.atol));
    parts.forEach((rows, k) => {
      const part = parts.length > 1 ? `${label}, micro-batch ${k}` : label;
      if (parts.length > 1) {
        context.report(compareScalar(part, got.microLosses[k]!, record.micro_losses[k]!, record.loss_tolerance.atol));
      }
      const want = Object.fromEntries(Object.entries(record.metrics).map(([name, values]) => [name, values[k]!]));
      const { atol, rtol } = file.metrics_tolerance;
      const slack = clipSlack(sequences, rows, options);
      context.report(compareMetrics(part, got.microMetrics[k]!, want, { atol: atol + slack, rtol }));
    });
  }
}
