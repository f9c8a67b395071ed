// The files behind a choice of model: those that the page gave, or those of this browser's store.

import type { ModelChoice, ModelSource } from '../protocol/messages';
import { openStoredModel } from '../storage/modelStore';

/** Opens a stored model; other choices are sources already. @throws model.missing, storage.failed */
export async function sourceOf(choice: ModelChoice): Promise<ModelSource> {
  if (choice.kind !== 'stored') return choice;
  const { id, key } = choice;
  return { kind: 'files', name: id, files: await openStoredModel(key), hubId: id };
}
