// The lora group: SFT loss and every gradient of one micro-batch, and two trajectories of 12 optimizer steps.

import type { TargetModule } from '../../base/targetModules';
import type { Example } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import { packExamples, type PackedBatch } from '../../data/pack';
import { importPeftAdapter } from '../../formats/peft';
import type { Tensor } from '../../gpu/tensor';
import { batchLogits } from '../../infer/logits';
import { createAdapter, loadValues, unpackValues, type LoraAdapter, type LoraValues } from '../../model/lora';
import type { SchedulerType } from '../../recipe/config';
import { openPass, type Trainee } from '../../train/lossPass';
import { clearGradient, updateAdapter } from '../../train/optimizer';
import { learningRateAt } from '../../train/schedule';
import { compareExact, compareScalar, compareTensor } from '../../reference/compare';
import {
  floats,
  imageRefOf,
  integers,
  loadReferenceModel,
  REFERENCE_DECISIONS,
  referenceFeatures,
  type ReferenceModel,
} from '../loadModel';
import type { ReferenceCase, ReferenceTensor, TensorTolerance, Verifier, VerifyContext } from '../../reference/types';

interface SftRow {
  ids: number[];
  prompt_length: number;
  image: number | null;
}

type LabelMode = 'completion' | 'all_text';

interface SftFile {
  base: string;
  rows: SftRow[];
  micro_batch: number[];
  modes: Record<LabelMode, { loss: number; loss_tolerance: { atol: number }; label_count: number }>;
  tolerance: Record<string, TensorTolerance>;
}

interface TrajectoryFile {
  labels: LabelMode;
  normalisation: 'micro_mean' | 'token_average';
  hyper: {
    gradient_accumulation_steps: number;
    learning_rate: number;
    warmup_steps: number;
    adam_beta1: number;
    adam_beta2: number;
    adam_epsilon: number;
    weight_decay: number;
    scheduler: SchedulerType;
    optimizer_steps: number;
    max_grad_norm: number;
  };
  micro_batches: number[][];
  steps: {
    loss: number;
    grad_norm: number;
    learning_rate: number;
    micro_losses: number[];
    tolerance: { loss: { atol: number }; grad_norm: { atol: number } };
  }[];
  tolerance: Record<string, TensorTolerance>;
}

/** A PEFT adapter of the folder, loaded onto the device. */
export async function loadReferenceAdapter(
  context: VerifyContext,
  reference: ReferenceModel,
  path: string,
): Promise<{ adapter: LoraAdapter; values: LoraValues[] }> {
  const { folder } = context;
  const imported = importPeftAdapter({
    'adapter_config.json': await folder.bytes(`${path}/adapter_config.json`),
    'adapter_model.safetensors': await folder.bytes(`${path}/adapter_model.safetensors`),
  });
  const values = imported.tensors.map((pair): LoraValues => ({ ...pair, module: pair.module as TargetModule }));
  const adapter = createAdapter(reference.gpu, reference.config, imported);
  loadValues(reference.gpu, adapter, values);
  return { adapter, values };
}

/** Training on a reference model with the features computed here. */
export function referenceTrainee(reference: ReferenceModel, adapter: LoraAdapter): Trainee {
  return {
    gpu: reference.gpu,
    model: reference.model,
    adapter,
    featuresOf: referenceFeatures(reference),
    decisions: REFERENCE_DECISIONS,
  };
}

function exampleOf(reference: ReferenceModel, row: SftRow, mode: LabelMode): Example {
  const { config } = reference;
  const images = row.image === null ? [] : [imageRefOf(reference, row.image)];
  const { positions, next } = mropePositions(
    row.ids,
    images.map(({ grid }) => grid),
    {
      imageTokenId: config.imageTokenId,
      spatialMergeSize: config.vision.spatialMergeSize,
    },
  );
  const first = mode === 'completion' ? row.prompt_length : 1;
  return {
    ids: Int32Array.from(row.ids),
    positions,
    nextPosition: next,
    images,
    promptLength: row.prompt_length,
    labelMask: Uint8Array.from(row.ids, (id, t) => (t >= first && id !== config.imageTokenId ? 1 : 0)),
  };
}

function packRows(reference: ReferenceModel, sft: SftFile, rows: number[], mode: LabelMode): PackedBatch {
  return packExamples(
    rows.map((index) => exampleOf(reference, sft.rows[index]!, mode)),
    { imageTokenId: reference.config.imageTokenId, spatialMergeSize: reference.config.vision.spatialMergeSize },
  );
}

/** `layers.N.q_proj.lora_A` and so on, with the values. */
export function namedFactors(adapter: LoraAdapter, flat: Float32Array): [string, Float32Array][] {
  return unpackValues(adapter, flat).flatMap(({ layer, module, A, B }): [string, Float32Array][] => [
    [`layers.${layer}.${module}.lora_A`, A],
    [`layers.${layer}.${module}.lora_B`, B],
  ]);
}

/** Reads a flat adapter buffer and compares every factor with `prefix` + name. */
export async function compareFactors(
  context: VerifyContext,
  trainee: Trainee,
  flat: Tensor,
  label: string,
  prefix: string,
  want: Map<string, ReferenceTensor>,
  tolerance: Record<string, TensorTolerance>,
): Promise<void> {
  const [bytes] = await trainee.gpu.rec.read(flat);
  for (const [name, got] of namedFactors(trainee.adapter, new Float32Array(bytes))) {
    const tensor = want.get(prefix + name);
    if (!tensor) continue;
    context.report(
      compareTensor(
        `${label}${prefix}${name}`,
        got,
        floats(want, prefix + name),
        tensor.shape,
        tolerance[prefix + name]!,
      ),
    );
  }
}

/** Packed rows (T, width) at the places where the right-padded mask is 1. */
function padded(packed: Float32Array, mask: readonly number[], width: number): Float32Array {
  const out = new Float32Array(mask.length * width);
  let row = 0;
  mask.forEach((m, at) => {
    if (m) out.set(packed.subarray(row * width, ++row * width), at * width);
  });
  return out;
}

async function checkLogits(
  context: VerifyContext,
  trainee: Trainee,
  batch: PackedBatch,
  tensors: Map<string, ReferenceTensor>,
  sft: SftFile,
): Promise<void> {
  const want = tensors.get('logits');
  if (!want) return;
  const { config, language } = trainee.model;
  const dense = await batchLogits(trainee.gpu, language, batch, trainee.featuresOf, trainee.adapter);
  const mask = integers(tensors, 'attention_mask');
  context.report(
    compareTensor(
      'logits',
      padded(dense, mask, config.vocabSize),
      floats(tensors, 'logits'),
      want.shape,
      sft.tolerance.logits!,
      mask,
    ),
  );
}

async function checkSft(
  context: VerifyContext,
  entry: ReferenceCase,
  reference: ReferenceModel,
  sft: SftFile,
  recompute: boolean,
): Promise<void> {
  const tensors = await context.folder.tensors(`${entry.path}/sft.safetensors`);
  const { adapter } = await loadReferenceAdapter(context, reference, `${entry.path}/adapter`);
  const trainee = referenceTrainee(reference, adapter);
  const mask = integers(tensors, 'attention_mask');
  for (const mode of Object.keys(sft.modes) as LabelMode[]) {
    const batch = packRows(reference, sft, sft.micro_batch, mode);
    const note = recompute ? ', recomputed' : '';
    if (!recompute && mode === 'completion') await checkLogits(context, trainee, batch, tensors, sft);
    const want = sft.modes[mode];
    context.report(compareExact(`${mode} label count`, [batch.labels.length], [want.label_count]));
    clearGradient(reference.gpu, adapter);
    const copies: [string, Tensor][] = [];
    const scope = reference.gpu.rec.scope();
    const pass = await openPass(trainee, batch, {
      temperature: 1,
      keptLayers: recompute ? 0 : Infinity,
      onInput: (layer, dx) => {
        const kept = scope.tensor(dx.shape);
        reference.gpu.rec.copy(dx, kept);
        copies.push([`${mode}.dinput.layer_${layer}`, kept]);
      },
    });
    const count = batch.labels.length;
    const loss = -pass.values.logp.reduce((sum, value) => sum + value, 0) / count;
    context.report(compareScalar(`${mode} loss${note}`, loss, want.loss, want.loss_tolerance.atol));
    await pass.backward(new Float32Array(count).fill(-1 / count));
    await compareFactors(
      context,
      trainee,
      adapter.gradient,
      note ? 'recomputed ' : '',
      `${mode}.d.`,
      tensors,
      sft.tolerance,
    );
    for (const [name, tensor] of copies) {
      const found = tensors.get(name);
      if (!found || recompute) continue;
      const [bytes] = await reference.gpu.rec.read(tensor);
      const got = padded(new Float32Array(bytes), mask, reference.config.hiddenSize);
      context.report(compareTensor(name, got, floats(tensors, name), found.shape, sft.tolerance[name]!, mask));
    }
    scope.release();
  }
}

async function checkTrajectory(
  context: VerifyContext,
  entry: ReferenceCase,
  reference: ReferenceModel,
  sft: SftFile,
  file: string,
): Promise<void> {
  const run = (await context.folder.json(`${entry.path}/${file}`)) as TrajectoryFile;
  const tensors = await context.folder.tensors(`${entry.path}/${file.replace(/json$/, 'safetensors')}`);
  const { adapter } = await loadReferenceAdapter(context, reference, `${entry.path}/adapter`);
  const trainee = referenceTrainee(reference, adapter);
  const { hyper } = run;
  const name = file.replace(/\.json$/, '');
  for (const [s, want] of run.steps.entries()) {
    const per = hyper.gradient_accumulation_steps;
    const batches = run.micro_batches
      .slice(s * per, (s + 1) * per)
      .map((rows) => packRows(reference, sft, rows, run.labels));
    const labels = batches.reduce((sum, batch) => sum + batch.labels.length, 0);
    clearGradient(reference.gpu, adapter);
    let loss = 0;
    for (const batch of batches) {
      const pass = await openPass(trainee, batch, { temperature: 1, keptLayers: Infinity });
      const weight = run.normalisation === 'micro_mean' ? 1 / (batch.labels.length * per) : 1 / labels;
      loss -= pass.values.logp.reduce((sum, value) => sum + value, 0) * weight;
      await pass.backward(new Float32Array(batch.labels.length).fill(-weight));
    }
    const rate = learningRateAt(s, hyper.optimizer_steps, {
      learning_rate: hyper.learning_rate,
      lr_scheduler_type: hyper.scheduler,
      warmup_steps: hyper.warmup_steps,
    });
    const norm = await updateAdapter(reference.gpu, adapter, hyper, s + 1, rate);
    context.report(compareScalar(`${name} step ${s + 1} loss`, loss, want.loss, want.tolerance.loss.atol));
    context.report(
      compareScalar(`${name} step ${s + 1} grad_norm`, norm, want.grad_norm, want.tolerance.grad_norm.atol),
    );
    context.report(compareScalar(`${name} step ${s + 1} learning_rate`, rate, want.learning_rate, 1e-12));
  }
  await compareFactors(context, trainee, adapter.weight, `${name} `, 'final.', tensors, run.tolerance);
  await compareFactors(context, trainee, adapter.moment1, `${name} `, 'm.', tensors, run.tolerance);
  await compareFactors(context, trainee, adapter.moment2, `${name} `, 'v.', tensors, run.tolerance);
}

/** Checks one adapter case: loss, gradients (kept and recomputed), trajectories. */
export const verifyLora: Verifier = async (context, entry) => {
  const sft = (await context.folder.json(`${entry.path}/sft.json`)) as SftFile;
  const reference = await loadReferenceModel(context, sft.base);
  await checkSft(context, entry, reference, sft, false);
  await checkSft(context, entry, reference, sft, true);
  for (const file of entry.files) {
    if (/^trajectory_.*\.json$/.test(file)) await checkTrajectory(context, entry, reference, sft, file);
  }
};
