// Supervised fine-tuning: optimizer steps over packed micro-batches.

import type { Example } from '../data/encode';
import { packExamples, type PackContext } from '../data/pack';
import { resetOptimizer } from '../model/lora';
import type { SftOptions } from './config';
import type { Control, Reporter } from './control';
import { supervisedPass, type Trainee } from './lossPass';
import { clearGradient, updateAdapter } from './optimizer';
import { sftStepBatches } from './sampler';
import { learningRateAt, optimizerSteps } from './schedule';
import { stepLoop } from './stepLoop';
import { check } from '../base/errors';

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
  evaluate(step: number): Promise<void>;
}

/** Weight of every label of a micro-batch: its mean over the accumulation, or one share of the step's labels. */
function labelWeight(options: SftOptions, labels: number, batches: number, labelsOfStep: number): number {
  return options.loss_normalization === 'micro_batch' ? 1 / (labels * batches) : 1 / labelsOfStep;
}

async function sftStep(context: SftContext, step: number, steps: number, tokensBefore: number) {
  const { trainee, examples, pack, options, loraDropout, seed, reporter } = context;
  const began = performance.now();
  const batches = sftStepBatches(examples.length, options, seed, step).map((rows) =>
    packExamples(
      Array.from(rows, (row) => examples[row]),
      pack,
      Array.from(rows),
    ),
  );
  const labelsOfStep = batches.reduce((sum, batch) => sum + batch.labels.length, 0);
  clearGradient(trainee.gpu, trainee.adapter);
  let loss = 0;
  let entropy = 0;
  for (const [microBatch, batch] of batches.entries()) {
    reporter.progress({
      phase: 'backward',
      done: microBatch,
      total: batches.length,
      unit: 'micro-batches',
      step: step + 1,
      steps,
    });
    const count = batch.labels.length;
    const weight = labelWeight(options, count, batches.length, labelsOfStep);
    const dropout = { p: loraDropout, seed, step, microBatch };
    await reporter.timed('backward', async () => {
      const { logp, entropy: entropies } = await supervisedPass(trainee, batch, new Float32Array(count).fill(-weight), {
        temperature: 1,
        recompute: options.gradient_checkpointing,
        dropout,
      });
      loss -= logp.reduce((sum, value) => sum + value, 0) * weight;
      entropy += entropies.reduce((sum, value) => sum + value, 0) / labelsOfStep;
    });
  }
  check(
    Number.isFinite(loss),
    'train.notFinite',
    `SFT step ${step + 1}: the loss is ${loss}`,
    'Lower the learning rate.',
  );
  const rate = learningRateAt(step, steps, options);
  reporter.progress({ phase: 'update', done: 0, total: 1, unit: 'updates', step: step + 1, steps });
  const norm = await reporter.timed('update', () =>
    updateAdapter(trainee.gpu, trainee.adapter, options, step + 1, rate),
  );
  const tokens = batches.reduce((sum, batch) => sum + batch.tokens, 0);
  const seconds = (performance.now() - began) / 1000;
  reporter.emit({
    type: 'step',
    stage: 'sft',
    step: step + 1,
    steps,
    metrics: {
      loss,
      grad_norm: norm,
      learning_rate: rate,
      entropy,
      epoch: ((step + 1) * batches.length * options.per_device_train_batch_size) / examples.length,
      num_tokens: tokensBefore + tokens,
      tokens_per_second: tokens / seconds,
      step_time: seconds,
    },
  });
  return tokens;
}

/**
 * Runs the whole stage with a fresh optimizer.
 * @returns optimizer steps done
 * @throws StopRequested at a step boundary, train.notFinite, gpu.*
 */
export async function sftLoop(context: SftContext, onStep: (done: number) => void): Promise<number> {
  const { trainee, options, control } = context;
  const steps = optimizerSteps(context.examples.length, options);
  resetOptimizer(trainee.gpu, trainee.adapter);
  let tokens = 0;
  const frame = { steps, evalSteps: options.eval_steps, control, evaluate: context.evaluate, onStep };
  return stepLoop(frame, async (step) => {
    tokens += await sftStep(context, step, steps, tokens);
  });
}
