// What older versions would have noted of a model's files, so that their checkpoints find the same folder again.

import type { ModelSource } from '../protocol/messages';
import { baseFingerprint } from './fingerprint';
import type { OlderNotes } from './runCheckpoint';
import { readImageProcessor } from './textModel';

/** The limit that they took where preprocessor_config.json names none: Qwen2.5-VL's own, in pixels. */
const OLDER = { max_pixels: 28 * 28 * 16384 };

/**
 * The notes of a model that a run goes on with; each reads its files only when asked.
 * @param configJson parsed config.json @throws (from the notes) model.json, image.processorConfig, what reading throws
 */
export function olderNotes(model: ModelSource, configJson: unknown): OlderNotes {
  // Every weight file of the folder counted, those that are left aside too.
  const files = model.kind === 'files' ? Object.entries(model.files) : [];
  const weights = files.filter(([name]) => name.endsWith('.safetensors')).map(([name, blob]) => ({ name, blob }));
  return {
    base: () => baseFingerprint(configJson, weights),
    processor: () => readImageProcessor(model, OLDER),
  };
}
