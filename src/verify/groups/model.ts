// The model group: position ids, the vision tower stage by stage, the decoder layer by layer, greedy decoding.

import { mropePositions } from '../../data/mrope';
import type { Tensor } from '../../gpu/tensor';
import { generate, type GeneratePrompt } from '../../infer/generate';
import { spelledOut, visionTable } from '../../model/ropeTables';
import { patchPlaces, visionLayout } from '../../model/visionLayout';
import type { VisionProbe } from '../../model/visionTower';
import { compareExact, compareTensor } from '../../reference/compare';
import type { ReferenceCase, ReferenceTensor, TensorTolerance, Verifier, VerifyContext } from '../../reference/types';
import {
  floats,
  gpuOf,
  integers,
  loadReferenceModel,
  REFERENCE_DECISIONS,
  referenceFeatures,
  type ReferenceModel,
} from '../loadModel';
import { checkForward, imagesInRow, liveIndices, promptsOfBatch, type ForwardMeta } from './forward';

interface RopeLayout {
  name: string;
  input_ids: number[][];
  attention_mask: number[][];
  image_grid_thw: [number, number, number][];
  position_ids: number[][][];
  rope_delta: number[];
}

type Tolerances = Record<string, TensorTolerance>;

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

async function checkVision(context: VerifyContext, entry: ReferenceCase): Promise<ReferenceModel> {
  const held = new Map<string, Tensor>();
  const gpu = await gpuOf(context);
  const probe: VisionProbe = (name, value) => {
    const copy = gpu.persistent(value.shape);
    gpu.rec.copy(value, copy);
    held.set(name, copy);
  };
  const reference = await loadReferenceModel(context, entry.path, { probe });
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
    gpu.free(tensor);
  }
  const joined = Float32Array.from(imageFeatures.flatMap((part) => Array.from(part)));
  close('image_embeds', joined, vision);
  return reference;
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
    if (!/^forward_.*\.json$/.test(file)) continue;
    const name = file.replace(/\.json$/, '');
    const meta = (await context.folder.json(`${entry.path}/${file}`)) as ForwardMeta;
    const tensors = await context.folder.tensors(`${entry.path}/${name}.safetensors`);
    await checkForward(context, reference, { name, meta, tensors });
  }
  await checkGenerate(context, entry, reference);
};
