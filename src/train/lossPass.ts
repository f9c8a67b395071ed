// One micro-batch through the model and back, with the coefficients of a loss: what SFT and GRPO share.

import type { Decisions } from '../budgets/decisions';
import { labelTable, type PackedBatch } from '../data/pack';
import type { Gpu } from '../gpu/gpu';
import type { Scope } from '../gpu/recorder';
import type { Tensor } from '../gpu/tensor';
import type { FeaturesOf } from '../infer/features';
import { withScope } from '../gpu/withScope';
import { uploadStream } from '../infer/stream';
import {
  backwardThroughLayers,
  embedStream,
  finalRows,
  finalRowsBackward,
  forwardForTraining,
  forwardOnly,
  releaseKept,
  type StreamInputs,
} from '../model/languageModel';
import type { LoraAdapter } from '../model/lora';
import type { Qwen25VL } from '../model/qwen25vl';
import { headBackward, headLogProbs, STATS_WIDTH, type HeadLabels, type HeadOptions } from '../ops/head';

export interface Trainee {
  gpu: Gpu;
  model: Qwen25VL;
  adapter: LoraAdapter;
  featuresOf: FeaturesOf;
  /** The run's own record: whoever changes it changes what follows. */
  decisions: Decisions;
}

export interface PassOptions {
  /** Of the head's softmax; 1 for SFT. */
  temperature: number;
  /** Layers, from the last, that keep their activations; those of the others are computed again in backward. */
  keptLayers: number;
  /** LoRA dropout; p 0 or left out: none. */
  dropout?: { p: number; seed: number; step: number; microBatch: number };
  /** Called with each layer's input gradient, for checks. */
  onInput?: (layer: number, dx: Tensor) => void;
}

/** Values per label, in the batch's label order. */
export interface LabelValues {
  logp: Float32Array;
  entropy: Float32Array;
  /** 1 where the target is the most likely token (the first of equals), as TRL's mean_token_accuracy counts. */
  correct: Uint8Array;
}

interface LabelTensors {
  head: HeadLabels;
  /** u32 (R): stream rows. */
  row: Tensor;
  /** u32 (L): batch label of each table entry. */
  order: Uint32Array;
  stats: Tensor;
  logp: Tensor;
}

function uploadLabels(scope: Scope, batch: PackedBatch): LabelTensors {
  const table = labelTable(batch.labels);
  const rows = table.rows.length;
  const count = table.order.length;
  return {
    head: {
      rows,
      count,
      labels: scope.upload(table.labels),
      labelStart: scope.upload(table.labelStart),
      labelStartHost: table.labelStart,
    },
    row: scope.upload(table.rows),
    order: table.order,
    stats: scope.tensor([rows, STATS_WIDTH]),
    logp: scope.tensor([count]),
  };
}

async function readLabels(trainee: Trainee, batch: PackedBatch, tensors: LabelTensors): Promise<LabelValues> {
  const [logpBytes, statsBytes] = await trainee.gpu.rec.read(tensors.logp, tensors.stats);
  trainee.gpu.assertHealthy();
  const sorted = new Float32Array(logpBytes);
  const stats = new Float32Array(statsBytes);
  const logp = new Float32Array(batch.labels.length);
  const entropy = new Float32Array(batch.labels.length);
  const correct = new Uint8Array(batch.labels.length);
  for (let row = 0; row < tensors.head.rows; row++) {
    for (let i = tensors.head.labelStartHost[row]!; i < tensors.head.labelStartHost[row + 1]!; i++) {
      const label = tensors.order[i]!;
      logp[label] = sorted[i]!;
      entropy[label] = stats[row * STATS_WIDTH + 1]!;
      correct[label] = Number(stats[row * STATS_WIDTH + 2] === batch.labels[label]!.target);
    }
  }
  return { logp, entropy, correct };
}

/** (c, e) per label in the batch's order to the table's order. */
function orderedCoefficients(c: ArrayLike<number>, e: ArrayLike<number> | undefined, order: Uint32Array) {
  const out = new Float32Array(order.length * 2);
  order.forEach((label, i) => {
    out[i * 2] = c[label]!;
    out[i * 2 + 1] = e?.[label] ?? 0;
  });
  return out;
}

/** Lowest layer that has a factor: nothing below it needs a gradient. */
function lowestLayer(adapter: LoraAdapter): number {
  return Math.min(...adapter.factors.map((factor) => factor.layer));
}

/**
 * The policy's forward pass, held open for its backward pass.
 * Call `backward` once: it gives the kept buffers back.
 */
export interface OpenPass {
  values: LabelValues;
  /** Adds the adapter gradient of sum c logp + sum e H; c and e in the batch's label order. */
  backward(c: ArrayLike<number>, e?: ArrayLike<number>): Promise<void>;
}

async function prepare(trainee: Trainee, batch: PackedBatch, scope: Scope, work: string): Promise<StreamInputs> {
  const { rec } = trainee.gpu;
  const inputs = await uploadStream(rec, scope, batch, trainee.featuresOf, trainee.model.config);
  // The tower's memory, if it had work to do, is given back before the layers take theirs.
  await rec.begin(`${work} ${batch.tokens} ${batch.labels.length}`);
  return inputs;
}

/** A scope that is given back when `work` fails; whoever succeeds holds it on. */
async function inScope<T>(scope: Pick<Scope, 'release'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    scope.release();
    throw error;
  }
}

/** A training forward up to the labelled rows' hidden states, and the way back from their gradient. */
interface KeptForward {
  scope: Scope;
  labels: LabelTensors;
  /** f32 (R, C) after the final norm. */
  hidden: Tensor;
  /** From dHidden (R, C) to the adapter's gradient. */
  backward(dHidden: Tensor): Promise<void>;
  /** Gives everything back. */
  release(): void;
}

function keptForward(trainee: Trainee, batch: PackedBatch, options: PassOptions): Promise<KeptForward> {
  const { gpu, model, adapter } = trainee;
  const { rec } = gpu;
  const scope = rec.scope();
  return inScope(scope, async () => {
    const inputs = await prepare(trainee, batch, scope, 'train');
    const labels = uploadLabels(scope, batch);
    const place = scope.upload(batch.place);
    const dropout = options.dropout && options.dropout.p > 0 ? { ...options.dropout, place } : undefined;
    const forward = { rec, adapter, dropout };
    const { keptLayers, onInput } = options;
    const state = await forwardForTraining(model.language, inputs, scope, { ...forward, keptLayers });
    const hidden = scope.tensor([labels.head.rows, model.config.hiddenSize]);
    const final = finalRows(rec, model.language, { x: state.last, row: labels.row, hidden }, scope);
    return {
      scope,
      labels,
      hidden,
      async backward(dHidden) {
        const dx = scope.tensor([batch.tokens, model.config.hiddenSize]);
        finalRowsBackward(rec, model.language, { dHidden, row: labels.row, dx }, final);
        const stopLayer = onInput ? 0 : lowestLayer(adapter);
        await backwardThroughLayers(model.language, inputs, state, dx, { ...forward, stopLayer, onInput });
      },
      release() {
        releaseKept(state);
        scope.release();
      },
    };
  });
}

/** Gradient of sum c logp + sum e H; with `logp` the log-probabilities come from the same logits. */
async function recordBackward(
  trainee: Trainee,
  kept: KeptForward,
  coefficients: { c: ArrayLike<number>; e?: ArrayLike<number> },
  options: PassOptions & { logp?: Tensor },
): Promise<void> {
  const { rec } = trainee.gpu;
  const { scope, labels, hidden } = kept;
  const ordered = orderedCoefficients(coefficients.c, coefficients.e, labels.order);
  const dHidden = scope.tensor(hidden.shape);
  headBackward(
    rec,
    {
      hidden,
      stats: labels.stats,
      coefficients: scope.upload(ordered, [labels.head.count, 2]),
      dHidden,
      logp: options.logp,
    },
    trainee.model.language.weights.head,
    labels.head,
    headOptions(trainee, options),
  );
  await kept.backward(dHidden);
}

function headOptions({ decisions }: Trainee, { temperature }: Pick<PassOptions, 'temperature'>): HeadOptions {
  return { temperature, chunkBytes: decisions.headChunkBytes };
}

/** Forward with everything kept that backward needs; log-probabilities and entropies of all labels. */
export async function openPass(trainee: Trainee, batch: PackedBatch, options: PassOptions): Promise<OpenPass> {
  const { rec } = trainee.gpu;
  const kept = await keptForward(trainee, batch, options);
  const { hidden, labels } = kept;
  const head = trainee.model.language.weights.head;
  const values = await inScope(kept, async () => {
    const written = { hidden, stats: labels.stats, logp: labels.logp };
    headLogProbs(rec, written, head, labels.head, headOptions(trainee, options));
    return readLabels(trainee, batch, labels);
  });
  return {
    values,
    async backward(c, e) {
      try {
        await recordBackward(trainee, kept, { c, e }, options);
      } finally {
        kept.release();
      }
      await rec.submit();
    },
  };
}

/**
 * Forward and backward at once, for coefficients that do not depend on the log-probabilities (SFT): the logits are
 * computed once and nothing waits for the host in between.
 * @param c per label, in the batch's order @returns values of all labels, after the gradient was added
 */
export async function supervisedPass(
  trainee: Trainee,
  batch: PackedBatch,
  c: ArrayLike<number>,
  options: PassOptions,
): Promise<LabelValues> {
  const kept = await keptForward(trainee, batch, options);
  try {
    await recordBackward(trainee, kept, { c }, { ...options, logp: kept.labels.logp });
    return await readLabels(trainee, batch, kept.labels);
  } finally {
    kept.release();
  }
}

/**
 * Log-probabilities and entropies without a gradient.
 * @param withAdapter false: the base model, the KL reference
 */
export async function scoreLabels(
  trainee: Trainee,
  batch: PackedBatch,
  options: { temperature: number; withAdapter: boolean },
): Promise<LabelValues> {
  const { gpu, model, adapter } = trainee;
  const { rec } = gpu;
  return withScope(rec, async (scope) => {
    const inputs = await prepare(trainee, batch, scope, 'score');
    const labels = uploadLabels(scope, batch);
    const x = scope.tensor([batch.tokens, model.config.hiddenSize]);
    embedStream(rec, model.language, inputs, x);
    await forwardOnly(model.language, inputs, x, { rec, adapter: options.withAdapter ? adapter : undefined });
    const hidden = scope.tensor([labels.head.rows, model.config.hiddenSize]);
    finalRows(rec, model.language, { x, row: labels.row, hidden }, scope);
    const head = model.language.weights.head;
    const written = { hidden, stats: labels.stats, logp: labels.logp };
    headLogProbs(rec, written, head, labels.head, headOptions(trainee, options));
    return readLabels(trainee, batch, labels);
  });
}
