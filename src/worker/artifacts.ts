// What a run leaves behind: the adapter in PEFT's form, and a case that lets PEFT check it.

import { exportPeftAdapter } from '../formats/peft';
import { writeSafetensors } from '../formats/safetensors';
import { batchLogits } from '../infer/logits';
import { packExamples } from '../data/pack';
import { unpackValues } from '../model/lora';
import { putArtifact } from '../storage/runs';
import type { AdapterSummary } from '../protocol/messages';
import type { Session } from './session';
import { patchesOf } from './storedImage';

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Stores adapter_config.json and adapter_model.safetensors. @throws storage.quota, peft.export */
export async function saveAdapter(session: Session, runId: string): Promise<AdapterSummary> {
  const { gpu, adapter, modelName, recipe } = session;
  const [flat] = await gpu.rec.read(adapter.weight);
  gpu.assertHealthy();
  const files = exportPeftAdapter({
    r: adapter.r,
    lora_alpha: adapter.alpha,
    lora_dropout: recipe.lora.lora_dropout,
    target_modules: adapter.modules,
    use_rslora: recipe.lora.use_rslora,
    base_model_name_or_path: modelName,
    tensors: unpackValues(adapter, new Float32Array(flat)),
  });
  for (const [name, bytes] of Object.entries(files)) await putArtifact(runId, name, bytes);
  return {
    r: adapter.r,
    lora_alpha: adapter.alpha,
    target_modules: adapter.modules,
    parameters: adapter.parameters,
    bytes: files['adapter_model.safetensors'].length,
  };
}

/**
 * Stores case.json and case.safetensors: the adapter's logits on one validation row with its picture, in the form
 * that a PEFT script can recompute. Does nothing without a validation row.
 */
export async function saveCheckCase(session: Session, runId: string): Promise<void> {
  const { gpu, model, adapter, rows, text } = session;
  const row = rows.validation.find(({ example }) => example !== null);
  if (!row?.example) return;
  const { config, language } = model;
  const batch = packExamples([row.example], {
    imageTokenId: config.imageTokenId,
    spatialMergeSize: config.vision.spatialMergeSize,
  });
  const features = await session.trainee.featuresOf(batch.images);
  const dense = await batchLogits(gpu, language, batch, features, adapter);
  const { patches, grid } = await patchesOf(row.example.images[0], text.processor);
  const tensors = writeSafetensors([
    { name: 'logits', dtype: 'F32', shape: [1, batch.tokens, config.vocabSize], bytes: bytesOf(dense) },
    {
      name: 'pixel_values',
      dtype: 'F32',
      shape: [grid[1] * grid[2], patches.length / (grid[1] * grid[2])],
      bytes: bytesOf(patches),
    },
  ]);
  const record = {
    input_ids: [Array.from(row.example.ids)],
    image_grid_thw: [grid],
    tensors: 'case.safetensors',
    atol: 5e-4,
    rtol: 2e-5,
  };
  await putArtifact(runId, 'case.json', new TextEncoder().encode(JSON.stringify(record)));
  await putArtifact(runId, 'case.safetensors', tensors);
}
