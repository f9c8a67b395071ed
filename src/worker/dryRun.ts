// A dry run: a micro-batch of each kind of work with the engine of a real run, timed, for the time of a whole run. It leaves
// nothing: no record, no checkpoint, no features on the disk, and its updates have learning rate 0.

import { check } from '../base/errors';
import type { Decisions } from '../budgets/decisions';
import { decodeStepsTogether } from '../infer/generate';
import type { Rates } from '../planner/seconds';
import { workOf } from '../planner/work';
import type { MeasuredRates } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { grpoOptimizerSteps } from '../train/schedule';
import { sftSteps } from '../train/sftLoop';
import { causeOf } from './deviceLoss';
import { createDryClock, type DryClock, type DryClockOwner } from './dryRunClock';
import { measureEvaluation, measureGeneration } from './dryRunGeneration';
import { measurePictures } from './dryRunPictures';
import { dryRecipe, sampleRows } from './dryRunSample';
import { measureGrpo, measureSft } from './dryRunSteps';
import type { Dry } from './dryRunWork';
import type { EncoderClient } from './encoderClient';
import type { SessionRequest } from './prepare';
import { runFigures } from './runFigures';
import type { TrainingRows } from './rows';
import { closeSession, openSession, type Session } from './session';

/** What the surroundings give to a dry run. */
export interface DryRunEnvironment extends DryClockOwner {
  encoder: EncoderClient;
}

/** @throws train.noRows, train.tooFewPrompts: before minutes of loading */
function checkRows({ recipe, rows }: Pick<Session, 'recipe' | 'rows'>): void {
  sftSteps(rows.sft, recipe.sft);
  grpoOptimizerSteps(rows.grpo.length, recipe.grpo);
}

/** @throws measure.smallerParts where the GPU ran out of memory on the way: such times are of other work than was counted */
function checkDecisions({ decisions }: Session, before: string): void {
  check(
    JSON.stringify(decisions) === before,
    'measure.smallerParts',
    'The GPU ran out of memory while a step was measured, and computed it in smaller parts: its times are not kept.',
    'Close what else uses the GPU, or lower the GPU memory that the run may reckon with; then measure again.',
  );
}

/** Opens a session with few rows; `whole` has all of them then. */
async function openDry(
  request: SessionRequest,
  { encoder }: DryRunEnvironment,
  clock: DryClock,
): Promise<{ session: Session; whole: TrainingRows }> {
  let whole: TrainingRows | undefined;
  const choose = (rows: TrainingRows, decisions: Decisions) => {
    whole = rows;
    // What another run left on the disk would not be computed, and nothing is left for one.
    const features = { ...decisions.features, disk: 0 };
    return { rows: sampleRows(rows, request.recipe), decisions: { ...decisions, features } };
  };
  const session = await openSession(request, encoder, clock.reporter, null, { choose, onPrepared: checkRows });
  return { session, whole: whole ?? session.rows };
}

function workOfRows({ model, recipe, decisions }: Session, rows: TrainingRows, own: Recipe, seed: number) {
  const figures = runFigures(rows, own, seed, model.config.vision.spatialMergeSize);
  const work = workOf({ config: model.config, recipe: { ...own, lora: recipe.lora }, decisions, figures });
  const generation = figures.grpo?.rollout ?? figures.evaluation?.generation;
  return { work, expected: generation?.expectedNewTokens ?? 1 };
}

function newAnswersOf({ grpo, validation }: TrainingRows): number {
  const answers = [...grpo, ...validation].map(({ answer }) => answer);
  return new Set(answers).size / Math.max(1, answers.length);
}

/** Measures all that there is of the run. */
async function measure(
  request: SessionRequest,
  { session, whole }: { session: Session; whole: TrainingRows },
  clock: DryClock,
  began: number,
): Promise<MeasuredRates> {
  const { gpu, recipe: full } = session;
  const { seed } = request;
  gpu.rec.setGate(clock.goOn);
  const load = performance.now() / 1000 - began;
  const recipe = dryRecipe(full);
  const rates: Rates = {
    ...{ load, firstUse: 0, passes: {}, perUnit: {}, perCompletion: {}, decode: [] },
    stepsTogether: decodeStepsTogether(gpu),
  };
  const decisions = JSON.stringify(session.decisions);
  const { work, expected } = workOfRows(session, session.rows, recipe, seed);
  const { work: wholeWork } = workOfRows(session, whole, full, seed);
  const newAnswers = newAnswersOf(whole);
  const dry: Dry = { session, clock, seed, recipe, work, wholeWork, expected, newAnswers, rates };
  await measurePictures(dry);
  await measureGeneration(dry);
  await measureEvaluation(dry);
  await measureSft(dry);
  await measureGrpo(dry);
  await gpu.settled();
  checkDecisions(session, decisions);
  return { storage: session.decisions.storage, rates: { ...rates, firstUse: clock.firstUse } };
}

/**
 * Makes a dry run.
 * @throws StopRequested once it is to end; measure.smallerParts; what a run of the same request would fail with
 */
export async function dryRun(request: SessionRequest, environment: DryRunEnvironment): Promise<MeasuredRates> {
  const clock = createDryClock(environment);
  clock.enter('load');
  const began = performance.now() / 1000;
  const opened = await openDry(request, environment, clock);
  try {
    return await measure(request, opened, clock, began);
  } catch (error) {
    throw await causeOf(opened.session.gpu, error);
  } finally {
    closeSession(opened.session);
  }
}
