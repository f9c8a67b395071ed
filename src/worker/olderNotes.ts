// What older versions would have noted of a model's files, so that their checkpoints find the same folder again.

import { check } from '../base/errors';
import { PREPROCESSOR } from '../formats/modelFolder';
import { parseImageProcessor, type ImageProcessor } from '../image/processorConfig';
import type { ModelSource } from '../protocol/messages';
import { baseFingerprint } from './fingerprint';
import type { OlderNotes } from './runCheckpoint';
import { imageProcessorFile, readJson } from './textModel';

/** The limit that they took where preprocessor_config.json names none: Qwen2.5-VL's own, in pixels. */
const OLDER = { max_pixels: 28 * 28 * 16384 };

/** They knew no other file of a processor. */
async function olderProcessor(model: ModelSource): Promise<ImageProcessor> {
  const json = await readJson(model, PREPROCESSOR);
  check(
    json,
    'checkpoint.base',
    `The run was begun by an older version, which scaled pictures by ${PREPROCESSOR}; the chosen model has none.`,
    `Add the ${PREPROCESSOR} that the model's folder had, choose it again and resume. The checkpoint is kept.`,
  );
  return parseImageProcessor(json, OLDER);
}

/**
 * The notes of a model that a run goes on with; each reads its files only when asked.
 * @param configJson parsed config.json
 * @throws (from the notes) model.*, checkpoint.base, image.processorConfig, what reading throws
 */
export function olderNotes(model: ModelSource, configJson: unknown): OlderNotes {
  // Every weight file of the folder counted, those that are left aside too.
  const files = model.kind === 'files' ? Object.entries(model.files) : [];
  const weights = files.filter(([name]) => name.endsWith('.safetensors')).map(([name, blob]) => ({ name, blob }));
  return {
    base: () => baseFingerprint(configJson, weights),
    processor: () => olderProcessor(model),
    processorFile: async () => (await imageProcessorFile(model)).file,
  };
}
