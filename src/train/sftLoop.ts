// Supervised fine-tuning: optimizer steps over packed micro-batches.

import type { Example } from '../data/encode';
import { smallerTraining } from '../budgets/smaller';
import { takeTogether, workOf } from '../budgets/together';
import { packExamples, type PackContext } from '../data/pack';
import { packBins } from '../data/packBins';
import { relieved } from '../infer/relief';
import { resetOptimizer } from '../model/lora';
import type { EvalFigures } from './bestModel';
import type { SftOptions } from '../recipe/config';
import type { Control, Reporter } from './control';
import { supervisedPass, type LabelValues, type Trainee } from './lossPass';
import { watchGpu } from './gpuMetrics';
import { checkFinite, clearGradient, updateAdapter } from './optimizer';
import { sftStepBatches } from './sampler';
import { learningRateAt, optimizerSteps } from './schedule';
import type { StageState } from './stageState';
import { stepLoop, type StageSaves } from './stepLoop';

export interface SftContext {
  trainee: Trainee;
  examples: Example[];
  pack: PackContext;
  options: SftOptions;
  loraDropout: number;
  seed: number;
  control: Control;
  reporter: Reporter;
  /** Called every `eval_steps` optimizer steps. */
  evaluate(step: number): Promise<EvalFigures | null>;
  saves: StageSaves;
}

/** What a batch is made of: single examples, or packs of several that count as one row. */
function rowsOf(examples: readonly Example[], options: SftOptions): number[][] {
  if (!options.packing || options.max_length === null) return examples.map((_, i) => [i]);
  return packBins(
    examples.map(({ ids }) => ids.length),
    options.max_length,
  );
}

/** Optimizer steps of the stage, packing counted. @throws train.noRows */
export function sftSteps(examples: readonly Example[], options: SftOptions): number {
  return optimizerSteps(rowsOf(examples, options).length, options);
}

/** Weight of every label of a micro-batch: its mean over the accumulation, or one share of the step's labels. */
function labelWeight(options: SftOptions, labels: number, batches: number, labelsOfStep: number): number {
  return options.loss_normalization === 'micro_batch' ? 1 / (labels * batches) : 1 / labelsOfStep;
}

function mean(values: ArrayLike<number>): number {
  return values.length === 0 ? 0 : Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

/** One micro-batch's part of the step's figures. */
interface MicroFigures {
  loss: number;
  entropy: number;
  accuracy: number;
}

function microFigures({ logp, entropy, correct }: LabelValues, weight: number): MicroFigures {
  return {
    loss: -logp.reduce((sum, value) => sum + value, 0) * weight,
    entropy: mean(entropy),
    accuracy: mean(correct),
  };
}

function labelsOf(examples: readonly Example[], indices: readonly number[]): number {
  return indices.reduce((sum, index) => sum + examples[index]!.labelMask.reduce((a, b) => a + b, 0), 0);
}

function joined(parts: readonly LabelValues[]): LabelValues {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  return {
    logp: Float32Array.from(parts.flatMap(({ logp }) => Array.from(logp))),
    entropy: Float32Array.from(parts.flatMap(({ entropy }) => Array.from(entropy))),
    correct: Uint8Array.from(parts.flatMap(({ correct }) => Array.from(correct))),
  };
}

/** One micro-batch, in as many parts as memory asks for: what it counts as is the same. */
async function microBatch(
  { trainee, examples, pack, loraDropout, seed }: SftContext,
  indices: readonly number[],
  weight: number,
  place: { step: number; microBatch: number },
): Promise<LabelValues> {
  const { tokensTogether, keptLayers } = trainee.decisions.sft;
  const values: LabelValues[] = [];
  const all = indices.map((i) => examples[i]!);
  for (let start = 0; start < all.length;) {
    const own = takeTogether(all, start, tokensTogether);
    const batch = packExamples(own, pack, indices.slice(start, start + own.length));
    start += own.length;
    const c = new Float32Array(batch.labels.length).fill(-weight);
    const dropout = { p: loraDropout, seed, ...place };
    values.push(await supervisedPass(trainee, batch, c, { temperature: 1, keptLayers, dropout }));
  }
  return joined(values);
}

/** Forward and backward of the step's micro-batches; the gradient is left in the adapter. */
async function backward(
  context: SftContext,
  batches: readonly number[][],
  place: { step: number; steps: number },
): Promise<MicroFigures[]> {
  const { trainee, examples, options, reporter } = context;
  const counts = batches.map((indices) => labelsOf(examples, indices));
  const labelsOfStep = counts.reduce((sum, count) => sum + count, 0);
  clearGradient(trainee.gpu, trainee.adapter);
  const figures: MicroFigures[] = [];
  for (const [micro, indices] of batches.entries()) {
    reporter.progress({ phase: 'backward', done: micro, total: batches.length, unit: 'micro-batches', ...place });
    const weight = labelWeight(options, counts[micro]!, batches.length, labelsOfStep);
    const values = await reporter.timed('backward', () =>
      microBatch(context, indices, weight, { step: place.step - 1, microBatch: micro }),
    );
    figures.push(microFigures(values, weight));
  }
  return figures;
}

async function sftStep(context: SftContext, rows: readonly number[][], state: StageState, step: number, steps: number) {
  const { trainee, examples, options, seed, reporter } = context;
  const took = watchGpu(trainee.gpu);
  const began = reporter.now();
  const place = { step: step + 1, steps };
  const plan = sftStepBatches(rows.length, options, seed, step);
  const batches = plan.batches.map((micro) => Array.from(micro).flatMap((row) => rows[row]!));
  const lengths = batches.map((indices) => indices.map((index) => examples[index]!.ids.length));
  const work = {
    whole: Math.max(...lengths.map((own) => workOf(own).whole)),
    piece: workOf(lengths.flat()).piece,
  };
  const figures = await relieved(
    trainee,
    () => smallerTraining(trainee.decisions, 'sft', work),
    () => backward(context, batches, place),
  );
  const loss = figures.reduce((sum, part) => sum + part.loss, 0);
  checkFinite(loss, step + 1, `The loss of SFT step ${step + 1} is ${loss}; expected a finite number.`);
  const rate = learningRateAt(step, steps, options);
  reporter.progress({ phase: 'update', done: 0, total: 1, unit: 'updates', ...place });
  const norm = await reporter.timed('update', () =>
    updateAdapter(trainee.gpu, trainee.adapter, options, step + 1, rate),
  );
  const tokens = batches.flat().reduce((sum, index) => sum + examples[index]!.ids.length, 0);
  state.numTokens += tokens;
  const seconds = (reporter.now() - began) / 1000;
  reporter.emit({
    type: 'step',
    stage: 'sft',
    ...place,
    metrics: {
      loss,
      grad_norm: norm,
      learning_rate: rate,
      // Means over the micro-batches, as TRL logs them.
      mean_token_accuracy: mean(figures.map(({ accuracy }) => accuracy)),
      entropy: mean(figures.map(({ entropy }) => entropy)),
      epoch: plan.epoch,
      num_tokens: state.numTokens,
      tokens_per_second: tokens / seconds,
      step_time: seconds,
      ...took(),
    },
  });
}

/**
 * Runs the stage from where `state` stands; a stage that begins gets a fresh optimizer.
 * @throws StopRequested at a step boundary, train.notFinite, gpu.*
 */
export async function sftLoop(context: SftContext, state: StageState, onStep: (done: number) => void): Promise<void> {
  const { trainee, options, control, evaluate, saves } = context;
  const rows = rowsOf(context.examples, options);
  const steps = optimizerSteps(rows.length, options);
  const { gpu, adapter } = trainee;
  if (state.step === 0) resetOptimizer(gpu, adapter);
  await stepLoop({ steps, options, gpu, adapter, control, evaluate, saves, onStep }, state, (step) =>
    sftStep(context, rows, state, step, steps),
  );
}
