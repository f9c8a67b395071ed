// One run from start to end, or from a checkpoint to its end: evaluate, SFT, evaluate, GRPO, evaluate, save. The only
// place that knows the whole order.

import { LorikeetError, toErrorRecord } from '../base/errors';
import type { ImageProcessor } from '../image/processorConfig';
import type { RunSummary, Stage } from '../protocol/messages';
import { updateRun } from '../storage/runs';
import { StopRequested } from '../train/control';
import { grpoOptimizerSteps } from '../train/schedule';
import { sftSteps } from '../train/sftLoop';
import { newStage } from '../train/stageState';
import { exportAdapter, saveCheckCase } from './artifacts';
import { createCheckpointKeeper } from './checkpointKeeper';
import { causeOf } from './deviceLoss';
import type { EncoderClient } from './encoderClient';
import { createEta, type Plan } from './eta';
import { evaluateNow } from './evaluation';
import { longPictures } from './longPictures';
import { orNotice } from './orNotice';
import type { SessionRequest } from './prepare';
import type { Run } from './run';
import { checkFingerprints, type RunCheckpoint } from './runCheckpoint';
import { isLastStation, newProgress, stationsOf, type RunProgress } from './runProgress';
import type { RunControl } from './runControl';
import type { RunReporter } from './runReporter';
import type { TrainingRows } from './rows';
import { loadAdapterTensors, saveRun } from './saving';
import { closeSession, openSession, type Session } from './session';
import { grpoStage, sftStage } from './stages';
import { unmeasuredNotice } from './unmeasured';

/** Rows named in the notice about what was left out. */
const NAMED_ROWS = 5;

export interface TrainingRequest extends SessionRequest {
  runId: string;
}

/** What the surroundings give to a run. */
export interface RunEnvironment {
  encoder: EncoderClient;
  /** Pauses and stops. */
  control: Pick<RunControl, 'boundary' | 'gate' | 'stateOf'>;
  createReporter(estimate: ReturnType<typeof createEta>['estimate']): RunReporter;
  /** Go on from here; left out: from the beginning. */
  checkpoint?: RunCheckpoint;
  /** Called once everything is loaded and fits: only now may the stored run change. */
  onOpened?(): Promise<void>;
}

/** Where the summary keeps what the stations that evaluate have found. */
const RESULTS = { before: 'before', after_sft: 'afterSft', after_grpo: 'afterGrpo' } as const;

async function evaluateStation(run: Run, stage: keyof typeof RESULTS): Promise<void> {
  const { summary } = run.progress;
  // A run that failed between its last evaluation and its end has been measured: again would be with other samples.
  if (summary[RESULTS[stage]]) return;
  const steps = { before: 0, after_sft: summary.stepsSft, after_grpo: summary.stepsGrpo };
  summary[RESULTS[stage]] = (await evaluateNow(run, steps[stage])) ?? undefined;
}

/** Where nothing may go on without a checkpoint: what a run begins with, and what a stage of training does. */
const NEEDS_CHECKPOINT = new Set<Stage>(['before', 'sft', 'grpo']);

/** Visits the stations that are left. A station's entry is a checkpoint: its work is never repeated by a later kill. */
async function runStations(run: Run, resumed: boolean): Promise<void> {
  const { progress, reporter } = run;
  const stations = stationsOf(run.session.recipe);
  const rest = stations.slice(Math.max(0, stations.indexOf(progress.stage)));
  for (const [i, stage] of rest.entries()) {
    if (i > 0) Object.assign(progress, { stage, state: newStage() } satisfies Partial<RunProgress>);
    run.session.gpu.trim();
    reporter.enter(stage, run.control.stateOf('running'));
    const isNew = i > 0 || !resumed;
    if (isNew && NEEDS_CHECKPOINT.has(stage)) await run.keeper.commit();
    else if (isNew) await run.keeper.tryCommit({ goesOn: !isLastStation(run.session.recipe, stage) });
    // Its patches fit or are made fewer with a checkpoint there already, and a pause or stop is heard.
    if (i === 0) await run.session.encodePictures(run.control.boundary);
    if (stage === 'sft') await sftStage(run);
    else if (stage === 'grpo') await grpoStage(run);
    else await evaluateStation(run, stage);
  }
}

function noteLeftOut(reporter: RunReporter, { leftOut, misfits }: TrainingRows, processor: ImageProcessor): void {
  if (leftOut.length === 0) return;
  const more = leftOut.length > NAMED_ROWS ? `; and ${leftOut.length - NAMED_ROWS} more` : '';
  const pictures = longPictures(misfits, processor);
  const remedy = pictures ? `. ${pictures.sentence}` : '';
  const named = leftOut.slice(0, NAMED_ROWS).join('; ');
  const message = `${leftOut.length} rows do not fit and are left out: ${named}${more}${remedy}`;
  reporter.emit({ type: 'notice', level: 'warning', code: 'row.leftOut', message });
}

function noteData(reporter: RunReporter, { recipe, rows, text }: Pick<Session, 'recipe' | 'rows' | 'text'>): void {
  noteLeftOut(reporter, rows, text.processor);
  const unmeasured = unmeasuredNotice(recipe, rows.validation);
  if (unmeasured) reporter.emit(unmeasured);
}

/** Work that is left, for the time left. @throws train.noRows, train.tooFewPrompts */
function planOf({ recipe, rows }: Pick<Session, 'recipe' | 'rows'>, { stage, state }: RunProgress): Plan {
  const stations = stationsOf(recipe);
  const rest = stations.slice(stations.indexOf(stage));
  const left = (name: Stage, steps: () => number): number => {
    if (!rest.includes(name)) return 0;
    return steps() - (name === stage ? state.step : 0);
  };
  return {
    sftSteps: left('sft', () => sftSteps(rows.sft, recipe.sft)),
    grpoSteps: left('grpo', () => grpoOptimizerSteps(rows.grpo.length, recipe.grpo)),
    evaluations: rows.validation.length === 0 ? 0 : rest.filter((name) => name !== 'sft' && name !== 'grpo').length,
  };
}

const STAGE_NAMES: Record<Stage, string> = {
  before: 'the evaluation before training',
  sft: 'SFT',
  after_sft: 'the evaluation after SFT',
  grpo: 'GRPO',
  after_grpo: 'the evaluation after GRPO',
};

/** Where a run stands, within a sentence: `SFT step 12`. */
function placeText({ stage, state }: RunProgress): string {
  return stage === 'sft' || stage === 'grpo' ? `${STAGE_NAMES[stage]} step ${state.step}` : STAGE_NAMES[stage];
}

/** Asks a gate; what it takes is no work. */
function timeHeld(reporter: RunReporter, gate: () => Promise<void> | void): Promise<void> | void {
  const began = performance.now();
  return gate()?.finally(() => reporter.held(performance.now() - began));
}

/** Loads everything, and puts a checkpoint back. */
async function openRun(request: TrainingRequest, environment: RunEnvironment, plan: Plan): Promise<Run> {
  const { checkpoint } = environment;
  const eta = createEta(plan);
  const reporter = environment.createReporter(eta.estimate);
  reporter.emit({ type: 'state', state: environment.control.stateOf('loading'), stage: null });
  const progress = checkpoint?.progress ?? newProgress(request.seed);
  const session = await reporter.timed('load', () =>
    openSession(request, environment.encoder, reporter, checkpoint?.setup ?? null, {
      onPrepared: (prepared) => void Object.assign(plan, planOf(prepared, progress)),
    }),
  );
  const { seed, datasetId, runId } = request;
  const { modelName, recipe, decisions } = session;
  const setup = { seed, datasetId, modelName, recipe, decisions };
  let held = false;
  const keeper = createCheckpointKeeper(
    (best) => saveRun(run, best, held),
    () => placeText(progress),
    reporter.emit,
  );
  const pauseSave = () => keeper.tryCommit({ goesOn: !isLastStation(session.recipe, progress.stage) });
  const { boundary, gate, stateOf } = environment.control;
  const gateSave = () => {
    held = true;
    return pauseSave().finally(() => (held = false));
  };
  const control = {
    boundary: () => boundary(pauseSave),
    gate: () => (keeper.isSaving() ? undefined : timeHeld(reporter, () => gate(gateSave))),
    stateOf,
  };
  const run: Run = { runId, setup, session, reporter, control, keeper, eta, progress };
  try {
    const remark = checkpoint && (await checkFingerprints(checkpoint, session));
    if (checkpoint) await loadAdapterTensors(session, checkpoint.adapter);
    await environment.onOpened?.();
    if (checkpoint) noteResumed(run, remark ?? null);
    else noteData(reporter, session);
    if (!checkpoint) progress.summary.matmulGflops = session.matmulGflops;
    return run;
  } catch (error) {
    closeSession(session);
    throw error;
  }
}

function noteResumed({ reporter, progress }: Run, remark: string | null): void {
  progress.summary.complete = true;
  reporter.emit({ type: 'resumed', stage: progress.stage, step: progress.state.step });
  if (remark) reporter.emit({ type: 'notice', level: 'warning', code: 'checkpoint.kernels', message: remark });
}

/**
 * Runs until finished or stopped; a stopped run is saved and can be resumed.
 * @throws whatever makes the run fail, after a checkpoint of the last whole step where the device still allows it
 */
export async function runTraining(request: TrainingRequest, environment: RunEnvironment): Promise<RunSummary> {
  const plan: Plan = { sftSteps: 0, grpoSteps: 0, evaluations: 0 };
  const run = await openRun(request, environment, plan);
  try {
    await runAndSave(run, environment.checkpoint !== undefined);
  } catch (error) {
    // Rewards and data can fail between two updates; then nothing is lost but the step under way.
    await run.keeper.tryCommit({ goesOn: false }).catch(() => undefined);
    throw await causeOf(run.session.gpu, error);
  } finally {
    // A failed run must not keep the GPU's memory from the next one.
    closeSession(run.session);
  }
  return run.progress.summary;
}

async function runAndSave(run: Run, resumed: boolean): Promise<void> {
  const { progress, session } = run;
  const { rec } = session.gpu;
  try {
    // What loading has recorded is not held up: a checkpoint at the gate reads what the GPU has.
    await rec.submit();
    rec.setGate(run.control.gate);
    await runStations(run, resumed);
  } catch (error) {
    if (!(error instanceof StopRequested)) throw error;
    session.gpu.rec.discard();
    progress.summary.complete = false;
    await run.keeper.tryCommit({ goesOn: false });
  } finally {
    rec.setGate(undefined);
  }
  await leaveResults(run);
}

/**
 * A finished run cannot be resumed, so it must have its adapter; until it has, its checkpoint does.
 * @throws `error` with what to do
 */
function failUnstored(error: unknown): never {
  const { code, message, hint } = toErrorRecord(error);
  const next = 'Then resume the run: it goes on from its newest checkpoint, and stores the adapter at its end.';
  throw new LorikeetError(
    code,
    `All training is done, but the adapter's files could not be stored: ${message}`,
    [hint, next].filter(Boolean).join(' '),
  );
}

/**
 * The adapter and the summary make a run's end; nothing that fails after them takes it back. A stopped run goes on from
 * its checkpoint: it can do without the adapter's files.
 */
async function leaveResults({ session, reporter, runId, progress }: Run): Promise<void> {
  const { summary } = progress;
  reporter.progress({ phase: 'save', done: 0, total: 1, unit: 'files' });
  const adapter = await exportAdapter(session);
  summary.adapter = adapter.summary;
  if (summary.complete) await adapter.store(runId).catch(failUnstored);
  else await orNotice(reporter, 'The adapter as it is now', () => adapter.store(runId));
  summary.seconds = reporter.seconds();
  await updateRun(runId, { state: summary.complete ? 'finished' : 'stopped', summary });
  await orNotice(reporter, 'The check case (case.json)', () => saveCheckCase(session, runId));
}
