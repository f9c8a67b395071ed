// The adapter as a zip that PEFT's from_pretrained takes once unpacked, and the Python lines that do so.

import { zip, type AsyncZippable } from 'fflate';
import { LorikeetError } from '../../base/errors';
import { getArtifact } from '../../storage/runs';

export const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors'] as const;

/** Folder name of a run's adapter, inside the zip and in the Python lines. */
export function adapterFolder(modelName: string): string {
  const name = modelName === 'demo/model' ? 'demo' : modelName.replace(/[^\w.-]+/g, '-');
  return `lorikeet-${name}-adapter`;
}

/** Zips the stored adapter of a run under its folder. Errors: adapter.missing. */
export async function adapterZip(runId: string, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const entries: AsyncZippable = {};
  for (const name of ADAPTER_FILES) {
    const bytes = await getArtifact(runId, name);
    if (!bytes) {
      throw new LorikeetError('adapter.missing', `${name} of this run is not stored in this browser`);
    }
    // Weights do not shrink: storing them is quick and keeps the page free.
    entries[`${folder}/${name}`] = [bytes, { level: name.endsWith('.json') ? 6 : 0 }];
  }
  return new Promise((resolve, reject) => {
    zip(entries, { consume: false }, (error, data) => (error ? reject(error) : resolve(data)));
  });
}

/** Python that loads base model and adapter; the demo's model by its place in the repository. */
export function pythonLines(modelName: string, folder: string): string {
  const base = modelName === 'demo/model' ? 'public/demo/model' : modelName;
  return [
    'from peft import PeftModel',
    'from transformers import (',
    '    Qwen2_5_VLForConditionalGeneration as M)',
    '',
    `model = M.from_pretrained("${base}")`,
    'model = PeftModel.from_pretrained(',
    `    model, "${folder}")`,
  ].join('\n');
}
