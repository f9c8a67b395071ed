// The model group: position ids, the vision tower stage by stage, the decoder layer by layer, greedy decoding.

import { mropePositions } from '../../data/mrope';
import { packPrompts } from '../../data/pack';
import type { Prompt } from '../../data/encode';
import { generate, type GeneratePrompt } from '../../infer/generate';
import { withoutPadding } from '../../infer/logits';
import { uploadStream } from '../../infer/stream';
import { embedStream, finalRows, forwardOnly } from '../../model/languageModel';
import { mropeTable, visionTable } from '../../model/ropeTables';
import { patchPlaces, visionLayout } from '../../model/visionLayout';
import { headLogits, logitsStride } from '../../ops/head';
import { compareExact, compareTensor } from '../../reference/compare';
import {
  floats,
  gpuOf,
  imageRefOf,
  integers,
  loadReferenceModel,
  REFERENCE_DECISIONS,
  referenceFeatures,
  type ReferenceModel,
} from '../loadModel';
import type { ReferenceCase, ReferenceTensor, TensorTolerance, Verifier, VerifyContext } from '../../reference/types';
import { rowsAndWidth, type Tensor } from '../../gpu/tensor';

interface RopeLayout {
  name: string;
  input_ids: number[][];
  attention_mask: number[][];
  image_grid_thw: [number, number, number][];
  position_ids: number[][][];
  rope_delta: number[];
}

type Tolerances = Record<string, TensorTolerance>;

/** The live tokens of one row of a padded batch. */
function liveIndices(mask: readonly number[]): number[] {
  return mask.flatMap((m, t) => (m ? [t] : []));
}

/** How many images a row holds, by its runs of placeholders (one run per image: each is framed by vision tokens). */
function imagesInRow(ids: readonly number[], imageTokenId: number): number {
  return ids.filter((id, t) => id === imageTokenId && ids[t - 1] !== imageTokenId).length;
}

async function checkRope(context: VerifyContext, entry: ReferenceCase, reference: ReferenceModel): Promise<void> {
  const { layouts } = (await context.folder.json(`${entry.path}/rope.json`)) as { layouts: RopeLayout[] };
  const tokens = {
    imageTokenId: reference.config.imageTokenId,
    spatialMergeSize: reference.config.vision.spatialMergeSize,
  };
  for (const layout of layouts) {
    let image = 0;
    const got: number[] = [];
    const want: number[] = [];
    layout.input_ids.forEach((row, b) => {
      const live = liveIndices(layout.attention_mask[b]!);
      const ids = live.map((t) => row[t]!);
      const count = imagesInRow(ids, tokens.imageTokenId);
      const { positions, next } = mropePositions(ids, layout.image_grid_thw.slice(image, image + count), tokens);
      image += count;
      live.forEach((t, i) => {
        for (let axis = 0; axis < 3; axis++) {
          got.push(positions[axis * live.length + i]!);
          want.push(layout.position_ids[axis]![b]![t]!);
        }
      });
      got.push(next - live.length);
      want.push(layout.rope_delta[b]!);
    });
    context.report(compareExact(`position ids ${layout.name}`, got, want));
  }
}

/** The table's cosines or sines with both halves written out, as the fixtures store them. */
function spelledOut(table: Float32Array, headSize: number, part: 'cos' | 'sin'): Float32Array {
  const half = headSize / 2;
  return table.map((_, at) => {
    const row = Math.floor(at / headSize) * headSize;
    return table[row + (part === 'sin' ? half : 0) + (at % half)]!;
  });
}

async function checkVision(context: VerifyContext, entry: ReferenceCase): Promise<ReferenceModel> {
  const held = new Map<string, Tensor>();
  const gpu = gpuOf(await context.device());
  const reference = await loadReferenceModel(context, entry.path, (name, value) => {
    const copy = gpu.persistent(value.shape);
    gpu.rec.copy(value, copy);
    held.set(name, copy);
  });
  const { tolerance } = (await context.folder.json(`${entry.path}/vision.json`)) as { tolerance: Tolerances };
  const { vision, grids, config, imageFeatures } = reference;
  const layout = visionLayout(grids, config.vision);
  const exact = (name: string, got: ArrayLike<number>) => {
    if (vision.has(name)) context.report(compareExact(name, got, integers(vision, name)));
  };
  exact('window_index', layout.windowIndex);
  exact('cu_window_seqlens', layout.windowEnds);
  exact('cu_seqlens', layout.frameEnds);
  const places = patchPlaces(grids, config.vision.spatialMergeSize);
  exact('patch_hw', places);
  const { headSize, ropeTheta: theta } = config.vision;
  const table = visionTable(places, { headSize, theta });
  const close = (name: string, got: Float32Array, of: Map<string, ReferenceTensor>) => {
    if (of.has(name))
      context.report(compareTensor(name, got, floats(of, name), of.get(name)?.shape ?? [], tolerance[name]!));
  };
  close('rope_cos', spelledOut(table, headSize, 'cos'), vision);
  close('rope_sin', spelledOut(table, headSize, 'sin'), vision);
  for (const [name, tensor] of held) {
    const [bytes] = await gpu.rec.read(tensor);
    let values = new Float32Array(bytes);
    if (name === 'patch_embed') {
      const width = config.vision.hiddenSize;
      const inputOrder = new Float32Array(values.length);
      layout.patchOrder.forEach((p, i) => inputOrder.set(values.subarray(i * width, (i + 1) * width), p * width));
      values = inputOrder;
    }
    close(name, values, vision);
    tensor.buffer.destroy();
  }
  const joined = Float32Array.from(imageFeatures.flatMap((part) => Array.from(part)));
  close('image_embeds', joined, vision);
  return reference;
}

interface ForwardMeta {
  tolerance: Tolerances;
  images: number[];
  image_grid_thw: [number, number, number][];
}

/** A padded batch as prompts without padding, with the fixture's images in order. */
function promptsOfBatch(
  reference: ReferenceModel,
  ids: number[],
  mask: number[],
  shape: number[],
  images: number[],
): Prompt[] {
  const [rows, width] = rowsAndWidth('input ids', { shape });
  const { config } = reference;
  let used = 0;
  return Array.from({ length: rows }, (_, b) => {
    const live = liveIndices(mask.slice(b * width, (b + 1) * width)).map((t) => ids[b * width + t]!);
    const count = imagesInRow(live, config.imageTokenId);
    const own = images.slice(used, used + count).map((k) => imageRefOf(reference, k));
    used += count;
    const { positions, next } = mropePositions(
      live,
      own.map(({ grid }) => grid),
      {
        imageTokenId: config.imageTokenId,
        spatialMergeSize: config.vision.spatialMergeSize,
      },
    );
    return { ids: Int32Array.from(live), positions, nextPosition: next, images: own };
  });
}

/** Writes packed rows (T, width) to their places in the padded (B, T, width) layout; padding stays 0. */
function unpack(packed: Float32Array, mask: readonly number[], width: number): Float32Array {
  const out = new Float32Array(mask.length * width);
  let row = 0;
  mask.forEach((m, at) => {
    if (m) out.set(packed.subarray(row * width, ++row * width), at * width);
  });
  return out;
}

function logProbs(
  logits: Float32Array,
  ids: readonly number[],
  shape: readonly number[],
  vocabulary: number,
): Float32Array {
  const [rows, width] = rowsAndWidth('input ids', { shape });
  const out = new Float32Array(rows * (width - 1));
  for (let b = 0; b < rows; b++) {
    for (let t = 0; t + 1 < width; t++) {
      const row = logits.subarray((b * width + t) * vocabulary, (b * width + t + 1) * vocabulary);
      const top = row.reduce((a, v) => Math.max(a, v), -Infinity);
      const sum = row.reduce((a, v) => a + Math.exp(v - top), 0);
      out[b * (width - 1) + t] = row[ids[b * width + t + 1]!]! - top - Math.log(sum);
    }
  }
  return out;
}

async function checkForward(
  context: VerifyContext,
  entry: ReferenceCase,
  reference: ReferenceModel,
  file: string,
): Promise<void> {
  const { folder } = context;
  const { gpu, model, config } = reference;
  const { rec } = gpu;
  const name = file.replace(/\.json$/, '');
  const meta = (await folder.json(`${entry.path}/${file}`)) as ForwardMeta;
  const tensors = await folder.tensors(`${entry.path}/${name}.safetensors`);
  const ids = integers(tensors, 'input_ids');
  const mask = integers(tensors, 'attention_mask');
  const shape = tensors.get('input_ids')?.shape ?? [];
  const prompts = promptsOfBatch(reference, ids, mask, shape, meta.images);
  const batch = packPrompts(prompts, {
    imageTokenId: config.imageTokenId,
    spatialMergeSize: config.vision.spatialMergeSize,
  });
  const compare = (part: string, got: Float32Array, width: number) => {
    const tensor = tensors.get(part);
    if (tensor)
      context.report(
        compareTensor(
          `${name} ${part}`,
          unpack(got, mask, width),
          floats(tensors, part),
          tensor.shape,
          meta.tolerance[part]!,
          mask,
        ),
      );
  };
  const table = mropeTable(batch.positions, {
    headSize: config.headSize,
    theta: config.ropeTheta,
    section: config.mropeSection,
  });
  compare('rope_cos', spelledOut(table, config.headSize, 'cos'), config.headSize);
  compare('rope_sin', spelledOut(table, config.headSize, 'sin'), config.headSize);
  const scope = rec.scope();
  const inputs = await uploadStream(rec, scope, batch, referenceFeatures(reference), config);
  const c = config.hiddenSize;
  const x = scope.tensor([batch.tokens, c]);
  const copies: [string, Tensor][] = [];
  const copy = (part: string, value: Tensor) => {
    const kept = scope.tensor([batch.tokens, c]);
    rec.copy(value, kept);
    copies.push([part, kept]);
  };
  embedStream(rec, model.language, inputs, x);
  copy('inputs_embeds', x);
  forwardOnly(model.language, inputs, x, { rec, onLayer: (layer, y) => copy(`layer_${layer}`, y) });
  const hidden = scope.tensor([batch.tokens, c]);
  finalRows(
    rec,
    model.language,
    { x, row: scope.upload(Uint32Array.from({ length: batch.tokens }, (_, i) => i)), hidden },
    scope,
  );
  copies.push(['final_norm', hidden]);
  const stride = logitsStride(config.vocabSize);
  const logits = scope.tensor([batch.tokens, stride]);
  headLogits(rec, { hidden, logits }, model.language.weights.head);
  const read = await rec.read(logits, ...copies.map(([, tensor]) => tensor));
  scope.release();
  copies.forEach(([part], i) => compare(part, new Float32Array(read[i + 1]!), c));
  const dense = withoutPadding(new Float32Array(read[0]), batch.tokens, config.vocabSize);
  compare('logits', dense, config.vocabSize);
  const logp = tensors.get('log_probs');
  if (logp) {
    const got = logProbs(unpack(dense, mask, config.vocabSize), ids, shape, config.vocabSize);
    const both = Array.from(got, (_, i) => {
      const b = Math.floor(i / (shape[1]! - 1));
      const t = i % (shape[1]! - 1);
      return mask[b * shape[1]! + t]! * mask[b * shape[1]! + t + 1]!;
    });
    context.report(
      compareTensor(
        `${name} log_probs`,
        got,
        floats(tensors, 'log_probs'),
        logp.shape,
        meta.tolerance.log_probs!,
        both,
      ),
    );
  }
}

interface GenerateCases {
  steps: number;
  suppressed_ids?: number[];
  tolerance?: { chosen_log_prob?: { atol: number } };
  prompts: {
    name: string;
    prompt_ids: number[];
    images: number[];
    greedy_ids: number[];
    top1_minus_top2_logit: number[];
  }[];
}

/** Below this gap of the two best logits, rounding may decide the greedy choice. */
const SURE_GAP = 1e-4;

async function checkGenerate(context: VerifyContext, entry: ReferenceCase, reference: ReferenceModel): Promise<void> {
  const cases = (await context.folder.json(`${entry.path}/generate.json`)) as GenerateCases;
  const { config, gpu, model } = reference;
  const prompts = cases.prompts.map((prompt, tag): GeneratePrompt => {
    const ids = prompt.prompt_ids;
    const [own] = promptsOfBatch(
      reference,
      ids,
      ids.map(() => 1),
      [1, ids.length],
      prompt.images,
    );
    return { ...own!, tag };
  });
  const completions = await generate(
    {
      gpu,
      model: model.language,
      spatialMergeSize: config.vision.spatialMergeSize,
      featuresOf: referenceFeatures(reference),
      decisions: REFERENCE_DECISIONS,
    },
    prompts,
    {
      modes: [{ count: 1, temperature: 0 }],
      maxNewTokens: cases.steps,
      suppressedIds: cases.suppressed_ids ?? [],
      endIds: [],
      key: [0, 0],
      topK: 0,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
    },
  );
  cases.prompts.forEach((prompt, i) => {
    const unsure = prompt.top1_minus_top2_logit.findIndex((gap) => gap < SURE_GAP);
    const count = unsure < 0 ? cases.steps : unsure;
    context.report(
      compareExact(
        `greedy ids ${prompt.name}`,
        completions[i]![0]!.ids.slice(0, count),
        prompt.greedy_ids.slice(0, count),
      ),
    );
  });
}

/** Checks one model folder. */
export const verifyModel: Verifier = async (context, entry) => {
  const reference = await checkVision(context, entry);
  await checkRope(context, entry, reference);
  for (const file of entry.files) {
    if (/^forward_.*\.json$/.test(file)) await checkForward(context, entry, reference, file);
  }
  await checkGenerate(context, entry, reference);
};
