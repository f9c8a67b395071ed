// The files behind a choice of model: those that the page gave, or those of this browser's store; and what tells one
// choice from another.

import type { ModelChoice, ModelSource } from '../protocol/messages';
import { openStoredModel } from '../storage/modelStore';

/** Opens a stored model; other choices are sources already. @throws model.missing, storage.failed */
export async function sourceOf(choice: ModelChoice): Promise<ModelSource> {
  if (choice.kind !== 'stored') return choice;
  const { id, key } = choice;
  return { kind: 'files', name: id, files: await openStoredModel(key), hubId: id };
}

/** The same for the same files; a File stands for its name, size and date. */
export function keyOf(model: ModelChoice): string {
  if (model.kind === 'bundled') return model.url;
  if (model.kind === 'stored') return model.key;
  const facts = Object.entries(model.files).map(([name, blob]) => [
    name,
    blob.size,
    blob instanceof File ? blob.lastModified : 0,
  ]);
  return JSON.stringify(facts);
}
