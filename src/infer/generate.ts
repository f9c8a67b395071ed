// Generation with a key-value cache: prompts are computed once, every completion then decodes one token a step, all
// in one chain of dispatches. Tokens, lengths and ends live on the GPU; the host reads them every few steps and drops
// finished sequences from the batch. What has no room together goes one part after the other (generateParts.ts).

import { smallerGeneration } from '../budgets/smaller';
import { takeTogether, workOf } from '../budgets/together';
import type { Prompt } from '../data/encode';
import { packPrompts } from '../data/pack';
import type { Gpu } from '../gpu/gpu';
import type { Scope } from '../gpu/recorder';
import { elementCount, rowsAndWidth, type Tensor } from '../gpu/tensor';
import { recorded, withScope } from '../gpu/withScope';
import type { LayerCache } from '../model/decoderBlock';
import { embedStream, finalRows, forwardOnly, type LanguageModel, type StreamInputs } from '../model/languageModel';
import type { LoraAdapter } from '../model/lora';
import { textTable } from '../model/ropeTables';
import { headLogits, logitsStride } from '../ops/head';
import { prepareDecodeStep, sampleTokens, type DecodeTensors, type SamplingOptions } from '../ops/sampling';
import type { FeaturesOf } from './features';
import { partsOf, type Sequence } from './generateParts';
import { relieved, type Relief } from './relief';
import { uploadStream } from './stream';

/** How completions of one prompt are drawn: `count` of them at this temperature (0: greedy). */
export interface CompletionMode {
  count: number;
  temperature: number;
}

export interface GenerateOptions extends Omit<SamplingOptions, 'temperature'> {
  modes: CompletionMode[];
  maxNewTokens: number;
  /** Ids never chosen: the image placeholder at least. */
  suppressedIds: readonly number[];
  endIds: readonly number[];
  /** Key of the sampling stream. */
  key: [number, number];
  /** Left out: the base model. */
  adapter?: LoraAdapter;
  /** Called with the number of finished completions. */
  onProgress?: (done: number, total: number) => void;
}

export interface GeneratePrompt extends Prompt {
  /** Names the prompt in the random stream, whatever batch it is in. */
  tag: number;
}

export interface Completion {
  /** With the end token, when there is one. */
  ids: number[];
  /** Ended by an end token. */
  terminated: boolean;
}

/** What generation needs of the model and its pictures. */
export interface GenerateContext extends Relief {
  model: LanguageModel;
  spatialMergeSize: number;
  featuresOf: FeaturesOf;
}

function listSequences(prompts: readonly GeneratePrompt[], modes: readonly CompletionMode[]): Sequence[] {
  return prompts.flatMap((_, prompt) => {
    let generation = 0;
    return modes.flatMap(({ count }, mode) =>
      Array.from({ length: count }, () => ({ prompt, generation: generation++, mode })),
    );
  });
}

/** The constant and the changing words of every sequence, and the id masks. Layouts: sample.wgsl. */
function decodeTensors(
  scope: Scope,
  context: GenerateContext,
  prompts: readonly GeneratePrompt[],
  sequences: readonly Sequence[],
  options: GenerateOptions,
): DecodeTensors {
  const promptStart = [0];
  for (const prompt of prompts) promptStart.push(promptStart[promptStart.length - 1]! + prompt.ids.length);
  const words = Math.ceil(context.model.config.vocabSize / 32);
  const info = new Uint32Array(sequences.length * 8);
  const masks = new Uint32Array((2 + sequences.length) * words);
  const mark = (base: number, id: number) => {
    masks[base + (id >>> 5)]! |= 1 << (id & 31);
  };
  options.suppressedIds.forEach((id) => mark(0, id));
  options.endIds.forEach((id) => mark(words, id));
  sequences.forEach(({ prompt, generation }, s) => {
    const { nextPosition, tag, ids } = prompts[prompt]!;
    const firstRow = promptStart[prompts.length]! + s * options.maxNewTokens;
    info.set([promptStart[prompt]!, promptStart[prompt + 1]!, nextPosition, firstRow, tag, generation, 0, 0], s * 8);
    if (options.repetitionPenalty !== 1) ids.forEach((id) => mark((2 + s) * words, id));
  });
  return {
    sequences: scope.upload(info),
    state: scope.upload(new Uint32Array(sequences.length * (2 + options.maxNewTokens))),
    masks: scope.upload(masks),
  };
}

/** Runs the prompts in parts, fills the cache's first rows, and returns each prompt's last logits (P, stride). */
async function prefill(
  context: GenerateContext,
  prompts: readonly GeneratePrompt[],
  kv: readonly Tensor[],
  logits: Tensor,
  adapter: LoraAdapter | undefined,
): Promise<void> {
  const { rec } = context.gpu;
  let done = 0;
  let cacheRow = 0;
  while (done < prompts.length) {
    const part = takeTogether(prompts, done, context.decisions.prefillTokens);
    const into = { kv, logits, cacheRow, firstPrompt: done };
    cacheRow += await withScope(rec, (scope) => prefillPart(context, scope, part, into, adapter));
    await rec.submit();
    done += part.length;
  }
}

/** Records one part. @param scope holds its tensors @returns its tokens */
async function prefillPart(
  context: GenerateContext,
  scope: Scope,
  part: GeneratePrompt[],
  into: { kv: readonly Tensor[]; logits: Tensor; cacheRow: number; firstPrompt: number },
  adapter: LoraAdapter | undefined,
): Promise<number> {
  const { gpu, model } = context;
  const { rec } = gpu;
  const { hiddenSize, imageTokenId, vocabSize } = model.config;
  const batch = packPrompts(part, { imageTokenId, spatialMergeSize: context.spatialMergeSize });
  const { tokens } = batch;
  const inputs = await uploadStream(rec, scope, batch, context.featuresOf, model.config);
  await rec.begin(`prefill ${tokens} ${part.length}`);
  const row = scope.upload(Uint32Array.from({ length: tokens }, (_, t) => into.cacheRow + t));
  const x = scope.tensor([tokens, hiddenSize]);
  embedStream(rec, model, inputs, x);
  await forwardOnly(model, inputs, x, {
    rec,
    adapter,
    caches: into.kv.map((tensor): LayerCache => ({ kv: tensor, row, attend: 'stream' })),
  });
  let end = 0;
  const last = scope.upload(Uint32Array.from(part, (prompt) => (end += prompt.ids.length) - 1));
  const hidden = scope.tensor([part.length, hiddenSize]);
  finalRows(rec, model, { x, row: last, hidden }, scope);
  const stride = logitsStride(vocabSize);
  const partLogits = scope.tensor([part.length, stride]);
  headLogits(rec, { hidden, logits: partLogits }, model.weights.head);
  rec.copy(partLogits, into.logits, { toOffset: into.firstPrompt * stride });
  return tokens;
}

/** (logits row, sequence) of every slot, slots of one mode together. */
function slotLists(
  active: readonly number[],
  sequences: readonly Sequence[],
  rowOf: (slot: number, s: number) => number,
) {
  const byMode = new Map<number, number[]>();
  active.forEach((s, slot) => {
    const list = byMode.get(sequences[s]!.mode) ?? [];
    list.push(rowOf(slot, s), s);
    byMode.set(sequences[s]!.mode, list);
  });
  return byMode;
}

function sampleAll(
  context: GenerateContext,
  tensors: DecodeTensors & { logits: Tensor },
  lists: Map<number, Tensor>,
  options: GenerateOptions,
): void {
  for (const [mode, slots] of lists) {
    sampleTokens(
      context.gpu.rec,
      { ...tensors, slots },
      {
        ...options,
        temperature: options.modes[mode]!.temperature,
        slots: elementCount(slots.shape) / 2,
        vocabulary: context.model.config.vocabSize,
        maxNew: options.maxNewTokens,
      },
    );
  }
}

/** Records `steps` decode steps of the active sequences. @param scope holds their tensors */
async function recordSteps(
  context: GenerateContext,
  scope: Scope,
  tensors: DecodeTensors & { table: Tensor; kv: readonly Tensor[] },
  sequences: readonly Sequence[],
  active: readonly number[],
  steps: number,
  options: GenerateOptions,
): Promise<void> {
  const { gpu, model } = context;
  const { rec } = gpu;
  const slots = active.length;
  await rec.begin(`decode ${slots}`);
  const all = scope.upload(Uint32Array.from(active.flatMap((s, slot) => [slot, s])));
  const lists = new Map<number, Tensor>();
  for (const [mode, list] of slotLists(active, sequences, (slot) => slot))
    lists.set(mode, scope.upload(Uint32Array.from(list)));
  const ids = scope.tensor([slots], 'u32');
  const tableRow = scope.tensor([slots], 'u32');
  const kvRow = scope.tensor([slots], 'u32');
  const ranges = scope.tensor([slots, 4], 'u32');
  const imageRow = scope.upload(new Int32Array(slots).fill(-1));
  const rows = scope.upload(Uint32Array.from({ length: slots }, (_, i) => i));
  const x = scope.tensor([slots, model.config.hiddenSize]);
  const hidden = scope.tensor([slots, model.config.hiddenSize]);
  const logits = scope.tensor([slots, logitsStride(model.config.vocabSize)]);
  const { table } = tensors;
  const pairs = slots * rowsAndWidth('decode: table', table)[0];
  const inputs: StreamInputs = { tokens: slots, pairs, ids, imageRow, features: x, table, tableRow, ranges };
  // Nothing is an image token while decoding, so any tensor may stand for the features; it must not be the output.
  const features = scope.tensor([1, model.config.hiddenSize]);
  for (let step = 0; step < steps; step++) {
    prepareDecodeStep(
      rec,
      { ...tensors, slots: all, ids, tableRow, kvRow, ranges },
      { slots, maxNew: options.maxNewTokens },
    );
    embedStream(rec, model, { ...inputs, features }, x);
    await forwardOnly(model, inputs, x, {
      rec,
      adapter: options.adapter,
      caches: tensors.kv.map((tensor): LayerCache => ({ kv: tensor, row: kvRow, attend: 'cache' })),
    });
    recorded(rec, (inner) => finalRows(rec, model, { x, row: rows, hidden }, inner));
    headLogits(rec, { hidden, logits }, model.weights.head);
    sampleAll(context, { ...tensors, logits }, lists, options);
  }
}

/** Decodes one part to its end. @param scope holds its cache @returns token ids of its sequences */
async function generatePart(
  context: GenerateContext,
  scope: Scope,
  prompts: readonly GeneratePrompt[],
  sequences: readonly Sequence[],
  options: GenerateOptions,
  onProgress: (done: number) => void,
): Promise<number[][]> {
  const { model } = context;
  const { config } = model;
  const promptTokens = prompts.reduce((sum, prompt) => sum + prompt.ids.length, 0);
  const cacheRows = promptTokens + sequences.length * options.maxNewTokens;
  const width = 2 * config.kvHeads * config.headSize;
  await context.gpu.rec.begin(`cache ${cacheRows}`);
  const kv = model.weights.blocks.map(() => scope.tensor([cacheRows, width], 'f32', 'kv'));
  const tensors = decodeTensors(scope, context, prompts, sequences, options);
  const positions = Math.max(...prompts.map((prompt) => prompt.nextPosition)) + options.maxNewTokens;
  const table = scope.upload(textTable(positions, { headSize: config.headSize, theta: config.ropeTheta }), [
    positions,
    config.headSize,
  ]);
  const logits = scope.tensor([prompts.length, logitsStride(config.vocabSize)]);
  await prefill(context, prompts, kv, logits, options.adapter);
  const first = new Map<number, Tensor>();
  const all = sequences.map((_, s) => s);
  for (const [mode, list] of slotLists(all, sequences, (_, s) => sequences[s]!.prompt)) {
    first.set(mode, scope.upload(Uint32Array.from(list)));
  }
  sampleAll(context, { ...tensors, logits }, first, options);
  return decodeAll(context, { ...tensors, table, kv }, sequences, options, onProgress);
}

/** Decode steps between two looks at which sequences have ended. */
export function decodeStepsTogether({ rec }: Pick<Gpu, 'rec'>): number {
  return rec.variant === 'software' ? 2 : 8;
}

/** Decode steps until every sequence has ended. */
async function decodeAll(
  context: GenerateContext,
  tensors: Parameters<typeof recordSteps>[2],
  sequences: readonly Sequence[],
  options: GenerateOptions,
  onProgress: (done: number) => void,
): Promise<number[][]> {
  const { gpu } = context;
  const width = 2 + options.maxNewTokens;
  const stepsTogether = decodeStepsTogether(gpu);
  let active = sequences.map((_, s) => s);
  let state = new Uint32Array(0);
  for (let step = 1; active.length > 0; step += stepsTogether) {
    if (step < options.maxNewTokens) {
      const steps = Math.min(stepsTogether, options.maxNewTokens - step);
      const now = active;
      await withScope(gpu.rec, (scope) => recordSteps(context, scope, tensors, sequences, now, steps, options));
    }
    const [bytes] = await gpu.rec.read(tensors.state);
    gpu.assertHealthy();
    state = new Uint32Array(bytes);
    active = active.filter((s) => state[s * width + 1] === 0);
    onProgress(sequences.length - active.length);
  }
  return sequences.map((_, s) => Array.from(state.subarray(s * width + 2, s * width + 2 + state[s * width]!)));
}

/** All sequences, part by part; ids in their order. */
async function generateAll(
  context: GenerateContext,
  prompts: readonly GeneratePrompt[],
  sequences: readonly Sequence[],
  options: GenerateOptions,
): Promise<number[][]> {
  const found: number[][] = [];
  const lengths = prompts.map(({ ids }) => ids.length);
  for (const part of partsOf(sequences, lengths, options.maxNewTokens, context.decisions)) {
    const own = part.prompts.map((prompt) => prompts[prompt]!);
    const before = found.length;
    const onProgress = (count: number) => options.onProgress?.(before + count, sequences.length);
    const ids = await withScope(context.gpu.rec, (scope) =>
      generatePart(context, scope, own, part.sequences, options, onProgress),
    );
    found.push(...ids);
  }
  return found;
}

/**
 * Completions of every prompt, `modes` in order. How many decode together is a matter of memory alone: each draws its
 * tokens by its prompt's tag and its own number. Where memory runs out, fewer decode together from then on.
 * @returns per prompt its completions @throws gpu.lost, gpu.outOfMemory when not even one sequence fits
 */
export async function generate(
  context: GenerateContext,
  prompts: readonly GeneratePrompt[],
  options: GenerateOptions,
): Promise<Completion[][]> {
  const sequences = listSequences(prompts, options.modes);
  const { whole, piece } = workOf(prompts.map(({ ids }) => ids.length));
  const rows = {
    whole: whole + sequences.length * options.maxNewTokens,
    piece: piece + options.maxNewTokens,
  };
  const found = await relieved(
    context,
    () => smallerGeneration(context.decisions, rows, sequences.length),
    () => generateAll(context, prompts, sequences, options),
  );
  const ends = new Set(options.endIds);
  const out: Completion[][] = prompts.map(() => []);
  sequences.forEach(({ prompt }, s) => {
    const ids = found[s]!;
    const last = ids.at(-1);
    out[prompt]!.push({ ids, terminated: last !== undefined && ends.has(last) });
  });
  return out;
}
