// What a run needs beside weights: files that fit together, rows, the adapter's start. What cannot work ends here,
// before gigabytes are read.

import { withPixelLimits } from '../image/pixelLimits';
import type { AdapterSource, ModelSource, NoticeEvent } from '../protocol/messages';
import { loadDataset } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import { rowsFingerprint } from './fingerprint';
import { openAdapter, type OpenAdapter } from './openAdapter';
import { openModel, type OpenModel } from './openModel';
import { encodeRows, type TrainingRows } from './rows';
import { longPictures } from './longPictures';
import { pictureSizes } from './pictureSizes';
import { checkRewards } from './rewardFunctions';
import { nothingToTrain } from './rowFit';
import { encodeContext } from './textModel';
import type { FindHead } from './tiedHead';

/** What to load. */
export interface SessionRequest {
  recipe: Recipe;
  seed: number;
  datasetId: string;
  model: ModelSource;
  /** GPU memory that the user says there is, in GB. */
  gpuMemoryGb: number;
  /** Keep a copy of a base in 4 bits in this browser; left out: none is made, and one that is there is used. */
  keepCopy?: boolean;
  /** Start from this adapter; its shape replaces the recipe's. */
  adapter?: AdapterSource;
}

/** All that a run needs but weights. */
export interface Prepared {
  /** As the recipe uses it. */
  model: OpenModel;
  /** As its files have it. */
  plainModel: OpenModel;
  adapter: OpenAdapter;
  rows: TrainingRows;
  datasetName: string;
  rowsFingerprint: string;
}

/**
 * Opens the model, reads the adapter to start from and encodes the rows; reads no weights but what openModel does.
 * @param findHead as openModel @throws image.pixelLimits, model.*, config.*, weights.*, tokenizer.*, peft.*, lora.*, storage.*, data.empty, errors of checkRewards and encodeRows
 */
export async function prepareSession(
  request: SessionRequest,
  reporter: Reporter,
  findHead?: FindHead,
): Promise<Prepared> {
  await checkRewards(request.recipe);
  const plainModel = await openModel(request.model, findHead);
  const model = withLimits(plainModel, request.recipe);
  const adapter = await openAdapter(request.adapter, request.recipe, model);
  const notices: NoticeEvent[] = [...model.notices, ...adapter.notices];
  for (const notice of notices) reporter.emit(notice);
  return { model, plainModel, adapter, ...(await prepareRows(request, model, reporter)) };
}

/** The model as a recipe uses it: its pictures within the recipe's limits. @throws image.pixelLimits */
export function withLimits(model: OpenModel, recipe: Recipe): OpenModel {
  const processor = withPixelLimits(model.text.processor, recipe);
  return { ...model, text: { ...model.text, processor } };
}

/** Encodes the rows of a stored dataset. @throws storage.*, data.empty, errors of encodeRows */
export async function prepareRows(
  { datasetId, recipe }: Pick<SessionRequest, 'datasetId' | 'recipe'>,
  { text, config }: OpenModel,
  reporter: Reporter,
): Promise<Omit<Prepared, 'model' | 'plainModel' | 'adapter'>> {
  const dataset = await loadDataset(datasetId);
  const { rows: stored, info } = dataset;
  const pictures = { sizes: await pictureSizes(dataset), processor: text.processor };
  const rows = await encodeRows(stored, recipe, encodeContext(text, config), pictures, (done, total) =>
    reporter.progress({ phase: 'encode', done, total, unit: 'rows' }),
  );
  if (rows.sft.length === 0 && rows.grpo.length === 0) {
    throw nothingToTrain(info.name, stored, rows.nearest, longPictures(rows.misfits, text.processor));
  }
  return { rows, datasetName: info.name, rowsFingerprint: await rowsFingerprint(stored) };
}
