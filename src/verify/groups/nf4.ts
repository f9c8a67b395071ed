// The nf4 group: 4-bit storage by CPU and GPU against bitsandbytes' own bytes, and a model that is stored that way.

import { quantizeMaxima, type NestedMaxima } from '../../formats/doubleQuant';
import { dequantizeNf4, quantizeNf4 } from '../../formats/nf4';
import { writeSafetensors } from '../../formats/safetensors';
import { openWeights, type WeightFiles } from '../../formats/weightFiles';
import { bytesOf } from '../../base/bytes';
import type { Gpu } from '../../gpu/gpu';
import type { StorageOptions } from '../../model/baseStorage';
import { createMatrixLoader } from '../../model/loadMatrix';
import { withHubNames } from '../../model/weightNames';
import { compareExact, compareTensor } from '../../reference/compare';
import type { ReferenceCase, ReferenceTensor, TensorTolerance, Verifier, VerifyContext } from '../../reference/types';
import { floats, gpuOf, integers, loadReferenceModel, openReferenceWeights } from '../loadModel';
import { checkForward } from './forward';

interface Nf4Cases {
  matrices: { name: string; shape: [rows: number, columns: number] }[];
  quantized: string[];
  images: number[];
  tolerance: Record<'image_embeds' | 'logits', TensorTolerance>;
  tolerance_matrices: Record<'nested_absmax' | 'offset' | 'dequantized', Partial<TensorTolerance>>;
}

type Tensors = Map<string, ReferenceTensor>;

const STORAGE: StorageOptions = { dtype: 'auto', nf4: { doubleQuant: true } };

function within(tolerance: Partial<TensorTolerance>): TensorTolerance {
  // Never 0: an error of 0 must compare as 0 of the allowance.
  return { atol: Number.MIN_VALUE, rtol: 0, ...tolerance };
}

/** A tensor through the loader: its packed bytes and scales as they lie on the GPU. */
async function quantizedOnGpu(gpu: Gpu, weights: WeightFiles, name: string, [rows, columns]: [number, number]) {
  const loader = createMatrixLoader(gpu, weights, { storage: STORAGE });
  try {
    const { parts } = await loader.matrix({ tensors: [{ name, rows }], columns, linear: true });
    const [{ data, scales }] = parts as [(typeof parts)[number]];
    const [words, maxima] = await gpu.rec.read(data, scales!);
    gpu.free(data, scales!);
    const packed = new Uint8Array(words).slice(0, Math.ceil((rows * columns) / 2));
    return { packed, scales: new Float32Array(maxima), onCpu: loader.quantizesOnCpu };
  } finally {
    loader.close();
  }
}

function checkNested(context: VerifyContext, name: string, tensors: Tensors, got: NestedMaxima, cases: Nf4Cases): void {
  const { nested_absmax: nested, offset } = cases.tolerance_matrices;
  context.report(compareExact(`${name} absmax_code`, got.codes, integers(tensors, `${name}.absmax_code`)));
  const wantNested = floats(tensors, `${name}.nested_absmax`);
  const shape = [wantNested.length];
  context.report(compareTensor(`${name} nested_absmax`, got.nested, wantNested, shape, within(nested)));
  const wantOffset = floats(tensors, `${name}.offset`);
  context.report(compareTensor(`${name} offset`, [got.offset], wantOffset, [1], within(offset)));
}

async function checkMatrices(context: VerifyContext, entry: ReferenceCase, cases: Nf4Cases): Promise<void> {
  const tensors = await context.folder.tensors(`${entry.path}/matrices.safetensors`);
  const gpu = await gpuOf(context);
  for (const { name, shape } of cases.matrices) {
    const weight = floats(tensors, `${name}.weight`);
    const want = integers(tensors, `${name}.packed`);
    const { packed, maxima } = quantizeNf4(Float32Array.from(weight));
    context.report(compareExact(`${name} packed (CPU)`, packed, want));
    context.report(compareExact(`${name} block_absmax`, maxima, floats(tensors, `${name}.block_absmax`)));
    checkNested(context, name, tensors, quantizeMaxima(maxima), cases);
    const file = writeSafetensors([{ name, dtype: 'F32', shape, bytes: bytesOf(weight) }]);
    const weights = await openWeights({ 'model.safetensors': new Blob([file]) });
    const got = await quantizedOnGpu(gpu, weights, name, shape);
    context.report(compareExact(`${name} packed (GPU)`, got.packed, want));
    const values = dequantizeNf4(got.packed, got.scales, weight.length);
    const wantValues = floats(tensors, `${name}.dequantized`);
    const tolerance = within(cases.tolerance_matrices.dequantized);
    context.report(compareTensor(`${name} dequantized`, values, wantValues, shape, tolerance));
  }
}

/** Every linear of the model, from its files to the GPU. */
async function checkLinears(context: VerifyContext, base: string, tensors: Tensors, cases: Nf4Cases): Promise<void> {
  const gpu = await gpuOf(context);
  const weights = withHubNames(await openReferenceWeights(context, base));
  let byCpu = 0;
  for (const name of cases.quantized) {
    const [rows = 0, columns = 0] = weights.shape(name);
    const got = await quantizedOnGpu(gpu, weights, name, [rows, columns]);
    context.report(compareExact(`${name} packed`, got.packed, integers(tensors, `${name}.packed`)));
    byCpu += got.onCpu ? 1 : 0;
  }
  const detail = `${byCpu} of ${cases.quantized.length} tensors were quantized by the CPU`;
  context.report({ name: 'the GPU quantizes', pass: byCpu === 0, detail });
}

/** Checks one nf4 case. */
export const verifyNf4: Verifier = async (context, entry) => {
  const cases = (await context.folder.json(`${entry.path}/nf4.json`)) as Nf4Cases;
  await checkMatrices(context, entry, cases);
  const base = entry.base ?? '';
  const tensors = await context.folder.tensors(`${entry.path}/model.safetensors`);
  await checkLinears(context, base, tensors, cases);
  const reference = await loadReferenceModel(context, base, { storage: STORAGE });
  const features = Float32Array.from(reference.imageFeatures.flatMap((part) => Array.from(part)));
  const wantFeatures = floats(tensors, 'image_embeds');
  const shape = tensors.get('image_embeds')?.shape ?? [];
  context.report(compareTensor('image_embeds', features, wantFeatures, shape, cases.tolerance.image_embeds));
  const meta = { tolerance: cases.tolerance, images: cases.images };
  const forward = new Map([...tensors].filter(([name]) => ['input_ids', 'attention_mask', 'logits'].includes(name)));
  await checkForward(context, reference, { name: 'nf4', meta, tensors: forward });
};
