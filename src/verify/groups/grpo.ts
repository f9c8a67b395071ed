// The grpo group: log-probabilities, losses with all gradients, advantages, sampling, and trajectories.

import { openPass, scoreLabels, type Trainee } from '../../train/lossPass';
import { clearGradient } from '../../train/optimizer';
import { compareScalar, compareTensor } from '../../reference/compare';
import { floats, integers, loadReferenceModel, type ReferenceModel } from '../loadModel';
import type { ReferenceCase, ReferenceTensor, TensorTolerance, Verifier, VerifyContext } from '../../reference/types';
import { accumulationOf, lossOptions, verifyAdvantages, verifyPolicyLosses, type LossFile } from './grpoCpu';
import { checkSampling } from './grpoSampling';
import { byRow, packScene, sequencesOf, toLabels, type PackedScene, type Scene, type SceneValues } from './grpoScene';
import { checkTrajectory } from './grpoTrajectory';
import { compareFactors, loadReferenceAdapter, referenceTrainee } from './lora';
import { policyStepLoss } from './policyStepLoss';

interface LossFileWithTolerance extends LossFile {
  tolerance: Record<string, TensorTolerance>;
}

function padRows(values: readonly Float64Array[], width: number): Float64Array {
  const out = new Float64Array(values.length * width);
  values.forEach((row, i) => out.set(row, i * width));
  return out;
}

/** Log-probabilities of policy, old policy and reference at one temperature, compared with the stored ones. */
async function sceneValues(
  context: VerifyContext,
  policy: Trainee,
  old: Trainee,
  packed: PackedScene,
  temperature: number,
  tensors: Map<string, ReferenceTensor>,
  tolerance: Record<string, TensorTolerance>,
): Promise<SceneValues> {
  const { batch } = packed;
  const own = await scoreLabels(policy, batch, { temperature, withAdapter: true });
  const before = await scoreLabels(old, batch, { temperature, withAdapter: true });
  const base = await scoreLabels(policy, batch, { temperature, withAdapter: false });
  const values: SceneValues = {
    logp: byRow(packed, own.logp),
    entropy: byRow(packed, own.entropy),
    old: byRow(packed, before.logp),
    ref: byRow(packed, base.logp),
  };
  const shape = tensors.get('completion_mask')?.shape ?? [];
  const mask = integers(tensors, 'completion_mask');
  const stored: Record<keyof SceneValues, string> = {
    logp: 'log_probs',
    entropy: 'entropy',
    old: 'old_log_probs',
    ref: 'ref_log_probs',
  };
  const prefix = `t${Number.isInteger(temperature) ? temperature.toFixed(1) : temperature}`;
  for (const key of Object.keys(stored) as (keyof SceneValues)[]) {
    const name = `${prefix}.${stored[key]}`;
    if (!tensors.has(name)) continue;
    context.report(
      compareTensor(name, padRows(values[key], shape[1]!), floats(tensors, name), shape, tolerance[name]!, mask),
    );
  }
  return values;
}

async function checkLosses(context: VerifyContext, entry: ReferenceCase, reference: ReferenceModel): Promise<void> {
  const { folder } = context;
  const scene = (await folder.json(`${entry.path}/scene.json`)) as Scene;
  const file = (await folder.json(`${entry.path}/loss.json`)) as LossFileWithTolerance;
  const tensors = await folder.tensors(`${entry.path}/loss.safetensors`);
  const { adapter } = await loadReferenceAdapter(context, reference, `${entry.path}/adapter`);
  const { adapter: oldAdapter } = await loadReferenceAdapter(context, reference, `${entry.path}/adapter_old`);
  const policy = referenceTrainee(reference, adapter);
  const old = referenceTrainee(reference, oldAdapter);
  const packed = packScene(reference, scene);
  const advantages = floats(tensors, 'advantages');
  const byTemperature = new Map<number, SceneValues>();
  for (const record of file.cases) {
    const options = lossOptions(record.options, scene.max_completion_length);
    if (options === null) {
      context.uncovered(`loss ${record.id}`);
      continue;
    }
    const temperature = record.options.temperature ?? 1;
    let values = byTemperature.get(temperature);
    if (!values) {
      values = await sceneValues(context, policy, old, packed, temperature, tensors, file.tolerance);
      byTemperature.set(temperature, values);
    }
    const use = { old: (record.options.num_iterations ?? 1) > 1, ref: options.beta !== 0 };
    const sequences = sequencesOf(values, scene.truncated, advantages, use);
    const microBatches = record.micro_batches ?? [scene.completions.map((_, row) => row)];
    clearGradient(reference.gpu, adapter);
    const pass = await openPass(policy, packed.batch, { temperature, keptLayers: Infinity });
    const { loss, c, e } = policyStepLoss(sequences, microBatches, options, accumulationOf(record));
    context.report(compareScalar(`${record.id} loss through the model`, loss, record.loss, record.loss_tolerance.atol));
    await pass.backward(toLabels(packed, c), toLabels(packed, e));
    await compareFactors(context, policy, adapter.gradient, '', `${record.id}.d.`, tensors, file.tolerance);
  }
}

/** Checks one GRPO case. */
export const verifyGrpo: Verifier = async (context, entry) => {
  await verifyAdvantages(context, entry);
  await verifyPolicyLosses(context, entry);
  const base = entry.base ?? ((await context.folder.json(`${entry.path}/scene.json`)) as Scene).base;
  const reference = await loadReferenceModel(context, base);
  await checkLosses(context, entry, reference);
  for (const file of entry.files) {
    if (/^trajectory_.*\.json$/.test(file)) await checkTrajectory(context, entry, reference, file);
  }
  await checkSampling(context, entry, reference);
};
