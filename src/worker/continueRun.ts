// What a resumed run goes on from: its newest sound checkpoint, with its log cut to that point.

import { LorikeetError, check } from '../base/errors';
import type { ContinueRequest } from '../protocol/messages';
import { newestCheckpoint } from '../storage/checkpointStore';
import { loadDataset } from '../storage/datasets';
import { appendEvents, findRun, truncateEvents, updateRun, lastEvent } from '../storage/runs';
import type { Recipe } from '../recipe/config';
import { parseStoredRecipe } from '../recipe/recipe';
import { sourceOf } from './chosenModel';
import { createHeldLog, type HeldLog } from './heldLog';
import type { RunCheckpoint } from './runCheckpoint';
import type { LogPosition } from './runReporter';
import type { TrainingRequest } from './runTraining';
import { readRunCheckpoint } from './saving';

export interface Continuation extends HeldLog {
  training: TrainingRequest;
  /** Left out when the run never came to its first checkpoint: it begins again. */
  checkpoint?: RunCheckpoint;
  /** Where log and clock go on. */
  from: LogPosition;
  /** Voids the log after the checkpoint, and takes the events that waited. */
  begin: HeldLog['begin'];
}

/** The recipe without the parts that may be mended between stop and resume. */
function withoutUserRewards(recipe: Recipe): string {
  const rewards = recipe.grpo.reward_funcs.map((reward) => (typeof reward === 'string' ? reward : reward.name));
  return JSON.stringify({ ...recipe, grpo: { ...recipe.grpo, reward_funcs: rewards } });
}

/** The checkpoint's recipe with the user rewards of the mended one. @throws checkpoint.recipe */
function mend(recipe: Recipe, mended: Recipe | undefined): Recipe {
  if (!mended) return recipe;
  // The adapter's shape is the checkpoint's: an imported adapter has replaced what the form says.
  const same = withoutUserRewards({ ...mended, lora: recipe.lora }) === withoutUserRewards(recipe);
  check(
    same,
    'checkpoint.recipe',
    'The recipe differs from the run’s in more than the text of its own rewards.',
    'Start a new run for other settings; a run is only resumed with its own.',
  );
  return { ...recipe, grpo: { ...recipe.grpo, reward_funcs: mended.grpo.reward_funcs } };
}

async function checkDataset(datasetId: string, name: string): Promise<void> {
  try {
    await loadDataset(datasetId);
  } catch (error) {
    if (!(error instanceof LorikeetError) || error.code !== 'storage.missing') throw error;
    throw new LorikeetError(
      'checkpoint.dataset',
      `The run's data "${name}" is not in this browser any more.`,
      'Import the same files again, then resume: the same data is recognised.',
    );
  }
}

/**
 * Reads what to go on from. The stored run is not changed before `begin`.
 * @throws run.missing, run.finished, checkpoint.*, recipe.*, model.missing, storage.*
 */
export async function readContinuation(request: ContinueRequest): Promise<Continuation> {
  const { runId, model, gpuMemoryGb, keepCopy, recipe } = request;
  const record = await findRun(runId);
  check(record, 'run.missing', `run ${runId} is not stored in this browser`);
  check(record.state !== 'finished', 'run.finished', 'This run is finished; there is nothing to go on with.');
  await checkDataset(record.datasetId, record.datasetName);
  const newest = await newestCheckpoint(runId);
  check(
    newest || record.adapterName === undefined,
    'run.noCheckpoint',
    `The run never came to its first checkpoint, and the adapter "${record.adapterName}" that it began with is not stored.`,
    'Start it again with that adapter.',
  );
  const checkpoint = newest ? await readRunCheckpoint(newest.file, newest.record.file) : undefined;
  // An imported run's recipe is foreign data: it passes the same rules as a recipe file.
  const stored = parseStoredRecipe(checkpoint?.setup.recipe ?? record.recipe).recipe;
  const seq = newest?.record.logSeq ?? 0;
  const training = {
    runId,
    seed: checkpoint?.setup.seed ?? record.seed,
    datasetId: record.datasetId,
    model: await sourceOf(model),
    gpuMemoryGb,
    keepCopy,
    recipe: mend(stored, recipe),
  };
  const seconds = checkpoint?.progress.summary.seconds ?? {};
  // The void part of the log counts: the page has shown it.
  const from = { seq, seconds, time: (await lastEvent(runId))?.time ?? 0 };
  const log = createHeldLog(
    (events) => appendEvents(runId, events),
    async () => {
      await truncateEvents(runId, seq);
      await updateRun(runId, { state: 'running', recipe: training.recipe });
    },
  );
  return { training, checkpoint, from, ...log };
}
