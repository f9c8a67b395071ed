// Choosing the next token on the GPU, and preparing the next decode step from the sequences' state.

import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import { rowLanes } from './rowLanes';
import sampleSource from '../../shaders/sample.wgsl?raw';
import prepareSource from '../../shaders/decode_prepare.wgsl?raw';

const SAMPLE: Kernel = { name: 'sample.wgsl', source: sampleSource };
const PREPARE: Kernel = { name: 'decode_prepare.wgsl', source: prepareSource };

/** Options in transformers' names and order of application. Temperature 0: greedy. */
export interface SamplingOptions {
  temperature: number;
  /** 0: off. */
  topK: number;
  /** 1: off. */
  topP: number;
  /** 0: off. */
  minP: number;
  /** 1: off; applies to ids of the prompt and of the completion. */
  repetitionPenalty: number;
}

/** Buffers of the sequences being decoded; layouts in sample.wgsl and decode_prepare.wgsl. */
export interface DecodeTensors {
  /** u32 (S, 8): prefix start, prefix end, next position, first cache row, tag, tag, 0, 0. */
  sequences: Tensor;
  /** u32 (S, 2 + maxNew): length, done, tokens. */
  state: Tensor;
  /** u32: words of suppressed ids, words of end ids, then the words of ids seen, per sequence. */
  masks: Tensor;
}

type SampleTensors = DecodeTensors & { logits: Tensor; slots: Tensor };
type SampleOptions = SamplingOptions & { slots: number; vocabulary: number; maxNew: number };

function dispatchSample(
  rec: Recorder,
  { logits, slots, sequences, state, masks }: SampleTensors,
  options: SampleOptions,
  key: [number, number],
  emit: boolean,
): void {
  const { spec, groups } = rowLanes(rec, options.slots);
  rec.dispatch(SAMPLE, {
    spec: { ...spec, EMIT: emit },
    bindings: { logits, slots, sequences, state, masks },
    uniforms: {
      slots: options.slots,
      vocab: options.vocabulary,
      stride: rowsAndWidth('sampling: logits', logits)[1],
      maxNew: options.maxNew,
      key0: key[0],
      key1: key[1],
      temperature: options.temperature,
      topK: options.topK,
      topP: options.topP,
      minP: options.minP,
      penalty: options.repetitionPenalty,
    },
    grid: [groups],
    // Bisections for top_k, top_p and min_p pass over the row again and again.
    flops: 100 * options.slots * options.vocabulary,
  });
}

/**
 * Samples one token for every slot and advances its sequence; finished sequences stay as they are.
 * @param tensors logits f32 (rows, stride); slots u32 (slots, 2): logits row, sequence
 */
export function sampleTokens(
  rec: Recorder,
  tensors: SampleTensors,
  options: SampleOptions & { key: [number, number] },
): void {
  dispatchSample(rec, tensors, options, options.key, false);
}

/** Replaces logits (rows, stride) by the probabilities that `sampleTokens` draws from; for checks. */
export function processedProbabilities(rec: Recorder, tensors: SampleTensors, options: SampleOptions): void {
  dispatchSample(rec, tensors, options, [0, 0], true);
}

/** Inputs of the next step per slot: ids, tableRow, kvRow u32 (slots); ranges u32 (slots, 4). */
export function prepareDecodeStep(
  rec: Recorder,
  tensors: DecodeTensors & { slots: Tensor; ids: Tensor; tableRow: Tensor; kvRow: Tensor; ranges: Tensor },
  { slots, maxNew }: { slots: number; maxNew: number },
): void {
  rec.dispatch(PREPARE, {
    bindings: {
      slots: tensors.slots,
      sequences: tensors.sequences,
      state: tensors.state,
      ids: tensors.ids,
      tableRow: tensors.tableRow,
      kvRow: tensors.kvRow,
      ranges: tensors.ranges,
    },
    uniforms: { slots, maxNew },
    grid: [Math.ceil(slots / 64)],
    flops: 50 * slots,
  });
}
