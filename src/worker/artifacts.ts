// What a run leaves behind: the adapter in PEFT's form, and a case that lets PEFT check it.

import { bytesOf } from '../base/bytes';
import type { ImageRef } from '../data/encode';
import { exportPeftAdapter } from '../formats/peft';
import { writeSafetensors } from '../formats/safetensors';
import { batchLogits } from '../infer/logits';
import { packExamples, type PackedBatch } from '../data/pack';
import { unpackValues } from '../model/lora';
import { putArtifacts } from '../storage/runs';
import type { AdapterSummary } from '../protocol/messages';
import { checkedPositions } from './checkedPositions';
import type { Session } from './session';
import { patchesOf } from './storedImage';

/** The check case's files. They are about one adapter, and go when another takes its place. */
const CASE = { record: 'case.json', tensors: 'case.safetensors' } as const;

/** The adapter as it is in PEFT's form. */
export interface ExportedAdapter {
  summary: AdapterSummary;
  store(runId: string): Promise<void>;
}

/**
 * Reads the adapter and makes adapter_config.json and adapter_model.safetensors of it; `store` keeps both or neither
 * in the place of an earlier adapter and its check case, and throws storage.quota, storage.failed.
 * @throws gpu.*, peft.export
 */
export async function exportAdapter({
  gpu,
  adapter,
  modelName,
  recipe,
}: Pick<Session, 'gpu' | 'adapter' | 'modelName' | 'recipe'>): Promise<ExportedAdapter> {
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
  return {
    summary: {
      r: adapter.r,
      lora_alpha: adapter.alpha,
      target_modules: adapter.modules,
      parameters: adapter.parameters,
      bytes: files['adapter_model.safetensors'].length,
    },
    store: (runId) => putArtifacts(runId, files, Object.values(CASE)),
  };
}

/** The picture of a check case as PEFT's side takes it. */
async function pixelValues(image: ImageRef, { processor }: Session['text']) {
  const { patches, grid } = await patchesOf(image, processor);
  const rows = grid[1] * grid[2];
  const shape = [rows, patches.length / rows];
  return { grid, tensor: { name: 'pixel_values', dtype: 'F32' as const, shape, bytes: bytesOf(patches) } };
}

async function caseLogits(trainee: Session['trainee'], batch: PackedBatch, positions: number[] | null) {
  const { gpu, model, adapter, featuresOf } = trainee;
  const values = await batchLogits(gpu, model.language, batch, featuresOf, adapter, positions ?? undefined);
  gpu.assertHealthy();
  const shape = [1, positions?.length ?? batch.tokens, model.config.vocabSize];
  return { name: 'logits', dtype: 'F32' as const, shape, bytes: bytesOf(values) };
}

/**
 * Stores case.json and case.safetensors: the adapter's logits on one validation row with its picture, in the form
 * that a PEFT script can recompute; of its last tokens only where all would be too large. Does nothing without a
 * validation row.
 * @throws storage.quota, storage.failed (then neither is stored), gpu.*
 */
export async function saveCheckCase(session: Session, runId: string): Promise<void> {
  const row = session.rows.validation.find(({ example }) => example !== null);
  if (!row?.example) return;
  const { imageTokenId, vision, vocabSize } = session.model.config;
  const batch = packExamples([row.example], { imageTokenId, spatialMergeSize: vision.spatialMergeSize });
  const positions = checkedPositions(batch.tokens, vocabSize);
  const logits = await caseLogits(session.trainee, batch, positions);
  const { grid, tensor } = await pixelValues(row.example.images[0]!, session.text);
  const record = {
    input_ids: [Array.from(row.example.ids)],
    image_grid_thw: [grid],
    ...(positions ? { positions } : {}),
    tensors: CASE.tensors,
    atol: 5e-4,
    rtol: 2e-5,
  };
  await putArtifacts(runId, {
    [CASE.record]: new TextEncoder().encode(JSON.stringify(record)),
    [CASE.tensors]: writeSafetensors([logits, tensor]),
  });
}
