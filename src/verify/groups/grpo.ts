// The grpo group: log-probabilities, losses with all gradients, advantages, sampling, and trajectories.

import type { Prompt } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import { packGroups, type PackedBatch } from '../../data/pack';
import { processedProbabilities } from '../../ops/sampling';
import { logitsStride } from '../../ops/head';
import { groupAdvantages } from '../../train/advantages';
import { openPass, scoreLabels, type Trainee } from '../../train/lossPass';
import { clearGradient, updateAdapter } from '../../train/optimizer';
import { policyStepLoss } from '../../train/policyLoss';
import type { PolicyLossOptions, PolicySequence } from '../../train/policyLossTypes';
import { byLabel, bySequence } from '../../train/sequences';
import { POLICY_LOSS_DEFAULTS } from '../../train/policyLossTypes';
import { LOSS_TYPES } from '../../train/lossTable';
import { compareScalar, compareTensor } from '../compare';
import { floats, integers, loadReferenceModel, type ReferenceModel } from '../loadModel';
import type { ReferenceCase, ReferenceTensor, TensorTolerance, Verifier, VerifyContext } from '../types';
import { compareMetrics, lossOptions, verifyAdvantages, verifyPolicyLosses, type LossFile } from './grpoCpu';
import { compareFactors, loadReferenceAdapter, referenceTrainee } from './lora';

interface Scene {
  base: string;
  prompts: { ids: number[]; image: number | null }[];
  completions: number[][];
  prompt_of: number[];
}

interface LossFileWithTolerance extends LossFile {
  tolerance: Record<string, TensorTolerance>;
}

function promptOf(reference: ReferenceModel, { ids, image }: Scene['prompts'][number]): Prompt {
  const { config, grids } = reference;
  const images = image === null ? [] : [{ hash: String(image), grid: grids[image] }];
  const { positions, next } = mropePositions(
    ids,
    images.map(({ grid }) => grid),
    {
      imageTokenId: config.imageTokenId,
      spatialMergeSize: config.vision.spatialMergeSize,
    },
  );
  return { ids: Int32Array.from(ids), positions, nextPosition: next, images };
}

/** The scene's rows, grouped by prompt. `rows[s]` is the scene row of packed sequence s. */
function packScene(reference: ReferenceModel, scene: Omit<Scene, 'base'>): { batch: PackedBatch; rows: number[] } {
  const rows: number[] = [];
  const groups = scene.prompts.map((prompt, p) => {
    const own = scene.completions.flatMap((_, row) => (scene.prompt_of[row] === p ? [row] : []));
    rows.push(...own);
    return { prompt: promptOf(reference, prompt), completions: own.map((row) => scene.completions[row]) };
  });
  const { imageTokenId } = reference.config;
  return {
    batch: packGroups(groups, { imageTokenId, spatialMergeSize: reference.config.vision.spatialMergeSize }),
    rows,
  };
}

/** Values per label to arrays per scene row. */
function byRow(batch: PackedBatch, rows: readonly number[], values: ArrayLike<number>): Float64Array[] {
  const packed = bySequence(batch.labels, values, rows.length);
  const out = new Array<Float64Array>(rows.length);
  rows.forEach((row, s) => (out[row] = packed[s]));
  return out;
}

/** Arrays per scene row to values per label. */
function toLabels(batch: PackedBatch, rows: readonly number[], values: readonly Float64Array[]): Float64Array {
  return byLabel(
    batch.labels,
    rows.map((row) => values[row]),
  );
}

interface SceneValues {
  logp: Float64Array[];
  entropy: Float64Array[];
  old: Float64Array[];
  ref: Float64Array[];
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
  packed: { batch: PackedBatch; rows: number[] },
  temperature: number,
  tensors: Map<string, ReferenceTensor>,
  tolerance: Record<string, TensorTolerance>,
): Promise<SceneValues> {
  const { batch, rows } = packed;
  const own = await scoreLabels(policy, batch, { temperature, withAdapter: true });
  const before = await scoreLabels(old, batch, { temperature, withAdapter: true });
  const base = await scoreLabels(policy, batch, { temperature, withAdapter: false });
  const values: SceneValues = {
    logp: byRow(batch, rows, own.logp),
    entropy: byRow(batch, rows, own.entropy),
    old: byRow(batch, rows, before.logp),
    ref: byRow(batch, rows, base.logp),
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
      compareTensor(name, padRows(values[key], shape[1]), floats(tensors, name), shape, tolerance[name], mask),
    );
  }
  return values;
}

function sequencesOf(
  values: SceneValues,
  scene: { truncated: boolean[] },
  advantages: ArrayLike<number>,
  use: { old: boolean; ref: boolean },
): PolicySequence[] {
  return values.logp.map((logp, i) => ({
    logp,
    old: use.old ? values.old[i] : null,
    ref: use.ref ? values.ref[i] : null,
    entropy: values.entropy[i],
    mask: new Float64Array(logp.length).fill(1),
    advantage: advantages[i],
    truncated: scene.truncated[i],
  }));
}

async function checkLosses(context: VerifyContext, entry: ReferenceCase, reference: ReferenceModel): Promise<void> {
  const { folder } = context;
  const scene = (await folder.json(`${entry.path}/scene.json`)) as Scene & { truncated: boolean[] };
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
    const options = lossOptions(record);
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
    const sequences = sequencesOf(values, scene, advantages, use);
    const microBatches = record.micro_batches ?? [scene.completions.map((_, row) => row)];
    clearGradient(reference.gpu, adapter);
    const pass = await openPass(policy, packed.batch, { temperature, recompute: false });
    const { loss, c, e } = policyStepLoss(sequences, microBatches, options);
    context.report(compareScalar(`${record.id} loss through the model`, loss, record.loss, record.loss_tolerance.atol));
    await pass.backward(toLabels(packed.batch, packed.rows, c), toLabels(packed.batch, packed.rows, e));
    await compareFactors(context, policy, adapter.gradient, '', `${record.id}.d.`, tensors, file.tolerance);
  }
}

interface Trajectory {
  options: Partial<Omit<PolicyLossOptions, 'loss_type'>> & {
    loss_type: string;
    num_iterations?: number;
    temperature?: number;
    reward_weights?: number[];
    scale_rewards?: 'group' | 'batch' | 'none';
  };
  schedule: { optimizer_steps: number; learning_rate: number; max_grad_norm: number };
  generations: (Omit<Scene, 'base'> & { rewards: (number | null)[][] })[];
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

async function checkTrajectory(
  context: VerifyContext,
  entry: ReferenceCase,
  reference: ReferenceModel,
  file: string,
): Promise<void> {
  const run = (await context.folder.json(`${entry.path}/${file}`)) as Trajectory;
  const name = file.replace(/\.json$/, '');
  if (!(run.options.loss_type in LOSS_TYPES)) {
    context.uncovered(name);
    return;
  }
  const tensors = await context.folder.tensors(`${entry.path}/${name}.safetensors`);
  const { adapter } = await loadReferenceAdapter(context, reference, `${entry.path}/adapter`);
  const policy = referenceTrainee(reference, adapter);
  const options = { ...POLICY_LOSS_DEFAULTS, ...run.options } as PolicyLossOptions;
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
    const scene = run.generations[Math.floor(s / iterations)];
    const { batch, rows } = packScene(reference, scene);
    const { advantages } = groupAdvantages({
      rewards: scene.rewards,
      names: scene.rewards[0].map((_, i) => `reward_${i}`),
      weights: run.options.reward_weights ?? scene.rewards[0].map(() => 1),
      numGenerations: scene.completions.length / scene.prompts.length,
      scaleRewards: run.options.scale_rewards ?? 'group',
    });
    const base = await scoreLabels(policy, batch, { temperature, withAdapter: false });
    clearGradient(reference.gpu, adapter);
    const pass = await openPass(policy, batch, { temperature, recompute: true });
    const logp = byRow(batch, rows, pass.values.logp);
    if (s % iterations === 0) old = logp;
    const sequences = sequencesOf(
      { logp, old, entropy: byRow(batch, rows, pass.values.entropy), ref: byRow(batch, rows, base.logp) },
      { truncated: scene.completions.map(() => false) },
      advantages,
      { old: iterations > 1, ref: options.beta !== 0 },
    );
    const { loss, c, e, metrics } = policyStepLoss(sequences, [scene.completions.map((_, row) => row)], options);
    await pass.backward(toLabels(batch, rows, c), toLabels(batch, rows, e));
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

interface SamplingFile {
  cases: {
    name: string;
    options: {
      temperature?: number;
      top_k?: number;
      top_p?: number;
      min_p?: number;
      repetition_penalty?: number;
      suppress_tokens?: number[];
    };
  }[];
  tolerance: TensorTolerance;
}

async function checkSampling(context: VerifyContext, entry: ReferenceCase, reference: ReferenceModel): Promise<void> {
  const { cases, tolerance } = (await context.folder.json(`${entry.path}/sampling.json`)) as SamplingFile;
  const tensors = await context.folder.tensors(`${entry.path}/sampling.safetensors`);
  const [rows, vocabulary] = tensors.get('logits')?.shape ?? [];
  const logits = floats(tensors, 'logits');
  const history = integers(tensors, 'history');
  const stride = logitsStride(vocabulary);
  const words = Math.ceil(vocabulary / 32);
  const { rec } = reference.gpu;
  for (const { name, options } of cases) {
    const scope = rec.scope();
    const padded = new Float32Array(rows * stride);
    for (let r = 0; r < rows; r++) padded.set(logits.subarray(r * vocabulary, (r + 1) * vocabulary), r * stride);
    const masks = new Uint32Array((2 + rows) * words);
    for (const id of options.suppress_tokens ?? []) masks[id >>> 5] |= 1 << (id & 31);
    history.forEach((id, i) => {
      const row = Math.floor(i / (history.length / rows));
      masks[(2 + row) * words + (id >>> 5)] |= 1 << (id & 31);
    });
    const buffer = scope.upload(padded, [rows, stride]);
    processedProbabilities(
      rec,
      {
        logits: buffer,
        slots: scope.upload(Uint32Array.from({ length: rows * 2 }, (_, i) => i >> 1)),
        sequences: scope.upload(new Uint32Array(rows * 8)),
        state: scope.upload(new Uint32Array(rows * 3)),
        masks: scope.upload(masks),
      },
      {
        slots: rows,
        vocabulary,
        maxNew: 1,
        temperature: options.temperature ?? 1,
        topK: options.top_k ?? 0,
        topP: options.top_p ?? 1,
        minP: options.min_p ?? 0,
        repetitionPenalty: options.repetition_penalty ?? 1,
      },
    );
    const [bytes] = await rec.read(buffer);
    scope.release();
    const got = new Float32Array(rows * vocabulary);
    const all = new Float32Array(bytes);
    for (let r = 0; r < rows; r++) got.set(all.subarray(r * stride, r * stride + vocabulary), r * vocabulary);
    const want = floats(tensors, `probs.${name}`);
    context.report(compareTensor(`sampling ${name}`, got, want, [rows, vocabulary], tolerance));
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
