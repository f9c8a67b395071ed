// The decoder over a packed stream: embeddings with picture features, blocks, final norm; training forward and
// backward, and cached forward for generation. The head is an op over labelled rows and not part of this file.

import type { Recorder, Scope } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import { recorded, withScope } from '../gpu/withScope';
import type { FrozenMatrix } from '../ops/matmul';
import { rmsNorm, rmsNormBackward } from '../ops/rmsNorm';
import { embedGather, gatherRows, scatterRows } from '../ops/rows';
import { allColumns } from '../ops/matmul';
import type { DropoutState } from './adaptedLinear';
import type { ModelConfig } from './config';
import {
  blockBackward,
  blockForward,
  type BlockContext,
  type BlockSaved,
  type BlockWeights,
  type LayerCache,
  type Stream,
} from './decoderBlock';
import type { LoraAdapter } from './lora';

export interface LanguageModelWeights {
  /** (V, C); also the head when tied. */
  embedding: FrozenMatrix;
  head: FrozenMatrix;
  blocks: BlockWeights[];
  finalNorm: Tensor;
}

export interface LanguageModel {
  config: ModelConfig;
  weights: LanguageModelWeights;
}

/** A packed stream's inputs on the GPU. */
export interface StreamInputs extends Stream {
  /** u32 (T) */
  ids: Tensor;
  /** i32 (T) */
  imageRow: Tensor;
  /** f32 (rows, C); at least one row. */
  features: Tensor;
}

export interface ForwardOptions {
  rec: Recorder;
  /** Left out: the base model. */
  adapter?: LoraAdapter;
  dropout?: DropoutState;
}

/** Token embeddings with picture features put in: f32 (T, C). */
export function embedStream(rec: Recorder, model: LanguageModel, inputs: StreamInputs, x: Tensor): void {
  const { ids, imageRow, features } = inputs;
  embedGather(rec, { ids, imageRow, features, x }, model.weights.embedding);
}

/** What a layer keeps: everything that backward reads, in a scope of its own, or only its input (computed again). */
type KeptLayer = { saved: BlockSaved; scope: Scope } | { input: Tensor };

export interface TrainingState {
  kept: KeptLayer[];
  /** Output of the last layer, f32 (T, C). */
  last: Tensor;
}

/**
 * All layers, with what backward needs: inputs in `keep`, activations in scopes that backward gives back layer by layer.
 * @param options.keptLayers how many layers keep their activations. They are the last ones: backward comes to them first,
 *   and the others are computed again in the memory that it has given back
 */
export async function forwardForTraining(
  model: LanguageModel,
  inputs: StreamInputs,
  keep: Scope,
  options: ForwardOptions & { keptLayers: number },
): Promise<TrainingState> {
  const { rec, adapter, dropout, keptLayers } = options;
  const shape = [inputs.tokens, model.config.hiddenSize];
  let x = keep.tensor(shape);
  embedStream(rec, model, inputs, x);
  const kept: KeptLayer[] = [];
  const context = { rec, adapter, dropout, config: model.config, stream: inputs };
  const { blocks } = model.weights;
  try {
    for (const [layer, block] of blocks.entries()) {
      const y = keep.tensor(shape);
      if (layer >= blocks.length - keptLayers) kept.push(keptBlock(context, block, x, y));
      else {
        recorded(rec, (scope) => blockForward(context, block, x, y, scope));
        kept.push({ input: x });
      }
      x = y;
      await rec.room();
    }
  } catch (error) {
    releaseKept({ kept });
    throw error;
  }
  return { kept, last: x };
}

/** A layer forward with its activations in a scope of its own. */
function keptBlock(context: BlockContext, block: BlockWeights, x: Tensor, y: Tensor): KeptLayer {
  const scope = context.rec.scope();
  try {
    return { saved: blockForward(context, block, x, y, scope), scope };
  } catch (error) {
    scope.release();
    throw error;
  }
}

/** Gives back what the layers keep, where no backward pass follows or has not come to. */
export function releaseKept({ kept }: Pick<TrainingState, 'kept'>): void {
  for (const layer of kept) if ('scope' in layer) layer.scope.release();
}

/**
 * Back through the layers from the top to `stopLayer`, adding adapter gradients.
 * @param dx f32 (T, C): gradient of the last layer's output; becomes the gradient of stopLayer's input if asked for
 * @param options.onInput called with each layer's input gradient, for checks; then stopLayer's is finished too
 */
export async function backwardThroughLayers(
  model: LanguageModel,
  inputs: StreamInputs,
  state: TrainingState,
  dx: Tensor,
  options: ForwardOptions & { stopLayer: number; onInput?: (layer: number, dx: Tensor) => void },
): Promise<void> {
  const { rec, adapter, dropout, stopLayer, onInput } = options;
  const context = { rec, adapter, dropout, config: model.config, stream: inputs };
  for (let layer = model.weights.blocks.length - 1; layer >= stopLayer; layer--) {
    const block = model.weights.blocks[layer]!;
    const kept = state.kept[layer]!;
    const needInput = layer > stopLayer || onInput !== undefined;
    if ('saved' in kept) {
      blockBackward(context, block, dx, kept.saved, needInput);
      kept.scope.release();
    } else {
      const { input } = kept;
      recorded(rec, (scope) => {
        const saved = blockForward(context, block, input, scope.tensor(input.shape), scope);
        blockBackward(context, block, dx, saved, needInput);
      });
    }
    onInput?.(layer, dx);
    await rec.room();
  }
}

/** Final norm of the chosen rows: rows u32 (R) of x (T, C) -> hidden f32 (R, C). Returns what backward needs. */
export function finalRows(
  rec: Recorder,
  model: LanguageModel,
  tensors: { x: Tensor; row: Tensor; hidden: Tensor },
  keep: Scope,
): { gathered: Tensor; rstd: Tensor } {
  const { x, row, hidden } = tensors;
  const gathered = keep.tensor(hidden.shape);
  const rstd = keep.tensor([rowsAndWidth('finalRows: hidden', hidden)[0]]);
  gatherRows(rec, { x, row, y: gathered });
  rmsNorm(rec, { x: gathered, weight: model.weights.finalNorm, y: hidden, rstd }, { eps: model.config.rmsNormEps });
  return { gathered, rstd };
}

/** dHidden (R, C) of the chosen rows back to dx (T, C), zero elsewhere. */
export function finalRowsBackward(
  rec: Recorder,
  model: LanguageModel,
  tensors: { dHidden: Tensor; row: Tensor; dx: Tensor },
  saved: { gathered: Tensor; rstd: Tensor },
): void {
  const { dHidden, row, dx } = tensors;
  const [rows, width] = rowsAndWidth('finalRowsBackward: dHidden', dHidden);
  recorded(rec, (scope) => {
    const dRows = scope.tensor(dHidden.shape);
    rmsNormBackward(
      rec,
      { dy: dHidden, x: saved.gathered, weight: model.weights.finalNorm, rstd: saved.rstd, dx: dRows },
      { mode: 'write' },
    );
    rec.clear(dx);
    scatterRows(rec, { x: allColumns(dRows), row, y: allColumns(dx) }, { rows, width });
  });
}

/**
 * All layers without keeping anything: generation's prefill and decode steps, reference log-probabilities.
 * @param x f32 (T, C): embeddings; holds the last layer's output afterwards
 * @param caches one per layer, or none
 * @param onLayer called with each layer's output, for checks
 */
export async function forwardOnly(
  model: LanguageModel,
  stream: Stream,
  x: Tensor,
  options: ForwardOptions & { caches?: LayerCache[]; onLayer?: (layer: number, y: Tensor) => void },
): Promise<void> {
  const { rec, adapter, dropout, caches, onLayer } = options;
  await withScope(rec, async (outer) => {
    let from = x;
    let to = outer.tensor(x.shape);
    for (const [layer, block] of model.weights.blocks.entries()) {
      const context = { rec, adapter, dropout, config: model.config, stream, cache: caches?.[layer] };
      recorded(rec, (scope) => blockForward(context, block, from, to, scope));
      onLayer?.(layer, to);
      [from, to] = [to, from];
      await rec.room();
    }
    if (from !== x) rec.copy(from, x);
  });
}
