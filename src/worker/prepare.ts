// What a run needs beside weights: files that fit together, rows, the adapter's start. What cannot work ends here,
// before gigabytes are read.

import type { AdapterSource, ModelSource, NoticeEvent } from '../protocol/messages';
import { loadDataset } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import { rowsFingerprint } from './fingerprint';
import { openAdapter, type OpenAdapter } from './openAdapter';
import { openModel, type OpenModel } from './openModel';
import { encodeRows, type TrainingRows } from './rows';
import { checkRewards } from './rewardFunctions';
import { nothingToTrain } from './rowFit';
import { encodeContext } from './textModel';

/** What to load. */
export interface SessionRequest {
  recipe: Recipe;
  seed: number;
  datasetId: string;
  model: ModelSource;
  /** GPU memory that the user says there is, in GB; left out: the usual card's. */
  gpuMemoryGb?: number;
  /** Start from this adapter; its shape replaces the recipe's. */
  adapter?: AdapterSource;
}

/** All that a run needs but weights. */
export interface Prepared {
  model: OpenModel;
  adapter: OpenAdapter;
  rows: TrainingRows;
  datasetName: string;
  rowsFingerprint: string;
}

/**
 * Opens the model, reads the adapter to start from and encodes the rows; reads no weights.
 * @throws model.*, config.*, weights.*, tokenizer.*, peft.*, lora.*, storage.*, data.empty, errors of checkRewards and encodeRows
 */
export async function prepareSession(request: SessionRequest, reporter: Reporter): Promise<Prepared> {
  await checkRewards(request.recipe);
  const model = await openModel(request.model);
  const adapter = await openAdapter(request.adapter, request.recipe, model);
  const notices: NoticeEvent[] = [...model.notices, ...adapter.notices];
  for (const notice of notices) reporter.emit(notice);
  return { model, adapter, ...(await prepareRows(request, model, reporter)) };
}

async function prepareRows(
  { datasetId, recipe }: SessionRequest,
  { text, config }: OpenModel,
  reporter: Reporter,
): Promise<Omit<Prepared, 'model' | 'adapter'>> {
  const { rows: stored, info } = await loadDataset(datasetId);
  const rows = await encodeRows(stored, recipe, encodeContext(text, config), text.processor, (done, total) =>
    reporter.progress({ phase: 'encode', done, total, unit: 'rows' }),
  );
  if (rows.sft.length === 0 && rows.grpo.length === 0) throw nothingToTrain(info.name, stored, rows.nearest);
  return { rows, datasetName: info.name, rowsFingerprint: await rowsFingerprint(stored) };
}
