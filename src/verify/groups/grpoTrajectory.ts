// Trajectories of the grpo group: several optimizer steps on scripted completions and rewards.

import { groupAdvantages } from '../../train/advantages';
import { openPass, scoreLabels } from '../../train/lossPass';
import { clearGradient, updateAdapter } from '../../train/optimizer';
import { compareScalar } from '../../reference/compare';
import type { ReferenceModel } from '../loadModel';
import type { ReferenceCase, TensorTolerance, VerifyContext } from '../../reference/types';
import { compareMetrics, lossOptions, type LossCase } from './grpoCpu';
import { byRow, packScene, sequencesOf, toLabels, type Rollout, type Scene } from './grpoScene';
import { compareFactors, loadReferenceAdapter, referenceTrainee } from './lora';
import { policyStepLoss } from './policyStepLoss';

interface Trajectory {
  options: LossCase['options'] & {
    reward_weights?: number[];
    scale_rewards?: 'group' | 'batch' | 'none';
    multi_objective_aggregation?: 'sum_then_normalize' | 'normalize_then_sum';
  };
  schedule: { optimizer_steps: number; learning_rate: number; max_grad_norm: number };
  generations: (Rollout & { rewards: (number | null)[][] })[];
  steps: {
    loss: number;
    grad_norm: number;
    learning_rate: number;
    metrics: Record<string, number | null>;
    advantages: number[];
    tolerance: { loss: { atol: number }; grad_norm: { atol: number } };
  }[];
  metrics_tolerance: { atol: number; rtol: number };
  tolerance: Record<string, TensorTolerance>;
}

/** Checks loss, gradient norm and metrics of every step, and the adapter and its moments after the last. */
export async function checkTrajectory(
  context: VerifyContext,
  entry: ReferenceCase,
  reference: ReferenceModel,
  file: string,
): Promise<void> {
  const run = (await context.folder.json(`${entry.path}/${file}`)) as Trajectory;
  const name = file.replace(/\.json$/, '');
  const scene = (await context.folder.json(`${entry.path}/scene.json`)) as Scene;
  const options = lossOptions(run.options, scene.max_completion_length);
  if (options === null) {
    context.uncovered(name);
    return;
  }
  const tensors = await context.folder.tensors(`${entry.path}/${name}.safetensors`);
  const { adapter } = await loadReferenceAdapter(context, reference, `${entry.path}/adapter`);
  const policy = referenceTrainee(reference, adapter);
  const iterations = run.options.num_iterations ?? 1;
  const temperature = run.options.temperature ?? 1;
  const hyper = {
    adam_beta1: 0.9,
    adam_beta2: 0.999,
    adam_epsilon: 1e-8,
    weight_decay: 0,
    max_grad_norm: run.schedule.max_grad_norm,
  };
  let old: Float64Array[] = [];
  for (const [s, want] of run.steps.entries()) {
    const rollout = run.generations[Math.floor(s / iterations)]!;
    const packed = packScene(reference, rollout);
    const { batch } = packed;
    const { advantages } = groupAdvantages({
      rewards: rollout.rewards,
      names: rollout.rewards[0]!.map((_, i) => `reward_${i}`),
      weights: run.options.reward_weights ?? rollout.rewards[0]!.map(() => 1),
      numGenerations: rollout.completions.length / rollout.prompts.length,
      scaleRewards: run.options.scale_rewards ?? 'group',
      aggregation: run.options.multi_objective_aggregation,
    });
    const base = await scoreLabels(policy, batch, { temperature, withAdapter: false });
    clearGradient(reference.gpu, adapter);
    const pass = await openPass(policy, batch, { temperature, keptLayers: 0 });
    const logp = byRow(packed, pass.values.logp);
    if (s % iterations === 0) old = logp;
    const sequences = sequencesOf(
      { logp, old, entropy: byRow(packed, pass.values.entropy), ref: byRow(packed, base.logp) },
      rollout.completions.map(() => false),
      advantages,
      { old: iterations > 1, ref: options.beta !== 0 },
    );
    const { loss, c, e, metrics } = policyStepLoss(sequences, [rollout.completions.map((_, row) => row)], options);
    await pass.backward(toLabels(packed, c), toLabels(packed, e));
    const rate = run.schedule.learning_rate * (1 - s / run.schedule.optimizer_steps);
    const norm = await updateAdapter(reference.gpu, adapter, hyper, s + 1, rate);
    context.report(compareScalar(`${name} step ${s + 1} loss`, loss, want.loss, want.tolerance.loss.atol));
    context.report(
      compareScalar(`${name} step ${s + 1} grad_norm`, norm, want.grad_norm, want.tolerance.grad_norm.atol),
    );
    context.report(compareMetrics(`${name} step ${s + 1}`, metrics, want.metrics, run.metrics_tolerance));
  }
  await compareFactors(context, policy, adapter.weight, `${name} `, 'final.', tensors, run.tolerance);
  await compareFactors(context, policy, adapter.moment1, `${name} `, 'm.', tensors, run.tolerance);
  await compareFactors(context, policy, adapter.moment2, `${name} `, 'v.', tensors, run.tolerance);
}
