// One run from start to end: evaluate, SFT, evaluate, GRPO, evaluate, save. The only place that knows the whole order.

import { packExamples } from '../data/pack';
import { evaluate } from '../eval/evaluate';
import { measureMatmul } from '../ops/measureMatmul';
import type { Evaluation, EvaluationEvent, RunSummary, Stage, StartRequest } from '../protocol/messages';
import { updateRun } from '../storage/runs';
import { StopRequested, type Control } from '../train/control';
import { grpoLoop } from '../train/grpoLoop';
import { scoreLabels } from '../train/lossPass';
import { sftLoop } from '../train/sftLoop';
import { grpoOptimizerSteps, optimizerSteps } from '../train/schedule';
import { saveAdapter, saveCheckCase } from './artifacts';
import { causeOf } from './deviceLoss';
import type { EncoderClient } from './encoderClient';
import { createEta } from './eta';
import type { createRunReporter } from './runReporter';
import { type RunReporter } from './runReporter';
import { openSession, type Session } from './session';

/** Rows named in the notice about what was left out. */
const NAMED_ROWS = 5;

interface Run {
  request: StartRequest;
  session: Session;
  reporter: RunReporter;
  control: Control;
  eta: ReturnType<typeof createEta>;
  summary: RunSummary;
  round: number;
}

const WHEN: Partial<Record<Stage, EvaluationEvent['when']>> = {
  before: 'before',
  after_sft: 'after_sft',
  after_grpo: 'after_grpo',
};

/** Evaluates now; `stage` is where the run stands. Returns null without validation rows. */
async function evaluateNow(run: Run, stage: Stage, step: number): Promise<Evaluation | null> {
  const { session, reporter, request, control } = run;
  const { recipe, seed } = request;
  if (session.rows.validation.length === 0) return null;
  const { model } = session;
  const began = performance.now();
  const { samples, ...result } = await evaluate({
    generation: session.generation,
    adapter: session.adapter,
    rows: session.rows.validation,
    semantic: session.semantic,
    decode: (ids) => session.text.tokenizer.decode(ids, { skipSpecialTokens: true }),
    loss: async (examples) => {
      const batch = packExamples(examples, packContextOf(session));
      const { logp } = await scoreLabels(session.trainee, batch, { temperature: 1, withAdapter: true });
      return { sum: logp.reduce((total, value) => total + value, 0), labels: logp.length };
    },
    samplesPerRow: recipe.eval.samples_per_row,
    temperature: recipe.eval.temperature,
    maxNewTokens: recipe.grpo.max_completion_length,
    suppressedIds: [model.config.imageTokenId],
    endIds: model.config.eosTokenIds,
    seed,
    round: run.round++,
    boundary: () => control.boundary(),
    onProgress: (done, total) => reporter.progress({ phase: 'evaluate', done, total, unit: 'completions' }),
    onSample: (sample) => reporter.emit({ type: 'liveSample', stage, sample }),
  });
  run.eta.finished('evaluation', (performance.now() - began) / 1000);
  reporter.emit({ type: 'evaluation', when: WHEN[stage] ?? 'during', stage, step, result, samples });
  return result;
}

async function sftStage(run: Run): Promise<void> {
  const { session, reporter, request, control, eta } = run;
  reporter.enter('sft');
  let last = performance.now();
  await sftLoop(
    {
      trainee: session.trainee,
      examples: session.rows.sft,
      pack: packContextOf(session),
      options: request.recipe.sft,
      loraDropout: request.recipe.lora.lora_dropout,
      seed: request.seed,
      control,
      reporter,
      evaluate: async (step) => {
        await evaluateNow(run, 'sft', step);
        last = performance.now();
      },
    },
    (done) => {
      run.summary.stepsSft = done;
      eta.finished('sft', (performance.now() - last) / 1000);
      last = performance.now();
    },
  );
  run.summary.adapter = await saveAdapter(session, request.runId, request.recipe);
}

async function grpoStage(run: Run): Promise<void> {
  const { session, reporter, request, control, eta } = run;
  reporter.enter('grpo');
  let last = performance.now();
  await grpoLoop(
    {
      trainee: session.trainee,
      generation: session.generation,
      rows: session.rows.grpo,
      rewards: [session.semantic, session.format],
      decode: (ids) => session.text.tokenizer.decode(ids, { skipSpecialTokens: true }),
      pack: packContextOf(session),
      options: request.recipe.grpo,
      suppressedIds: [session.model.config.imageTokenId],
      endIds: session.model.config.eosTokenIds,
      seed: request.seed,
      control,
      reporter,
      evaluate: async (step) => {
        await evaluateNow(run, 'grpo', step);
        last = performance.now();
      },
    },
    (done) => {
      run.summary.stepsGrpo = done;
      eta.finished('grpo', (performance.now() - last) / 1000);
      last = performance.now();
    },
  );
}

function packContextOf({ model }: Session) {
  return { imageTokenId: model.config.imageTokenId, spatialMergeSize: model.config.vision.spatialMergeSize };
}

async function runStages(run: Run): Promise<void> {
  const { request, reporter, summary } = run;
  const { sft, grpo } = request.recipe;
  reporter.enter('before');
  summary.before = (await evaluateNow(run, 'before', 0)) ?? undefined;
  if (sft.max_steps !== 0) {
    await sftStage(run);
    reporter.enter('after_sft');
    summary.afterSft = (await evaluateNow(run, 'after_sft', summary.stepsSft)) ?? undefined;
  }
  if (grpo.max_steps !== 0) {
    await grpoStage(run);
    reporter.enter('after_grpo');
    summary.afterGrpo = (await evaluateNow(run, 'after_grpo', summary.stepsGrpo)) ?? undefined;
  }
}

function noteLeftOut(reporter: RunReporter, leftOut: string[]): void {
  if (leftOut.length === 0) return;
  const more = leftOut.length > NAMED_ROWS ? `; and ${leftOut.length - NAMED_ROWS} more` : '';
  const message = `${leftOut.length} rows do not fit and are left out: ${leftOut.slice(0, NAMED_ROWS).join('; ')}${more}`;
  reporter.emit({ type: 'notice', level: 'warning', code: 'row.leftOut', message });
}

/** What the surroundings give to a run. */
export interface RunEnvironment {
  encoder: EncoderClient;
  control: Control;
  createReporter(eta: Parameters<typeof createRunReporter>[3]): RunReporter;
  onReporter(reporter: RunReporter): void;
}

/**
 * Runs until finished or stopped; a stopped run is saved as far as it came.
 * @throws whatever makes the run fail, after what was trained up to the last finished stage is stored
 */
export async function runTraining(request: StartRequest, environment: RunEnvironment): Promise<RunSummary> {
  const began = performance.now();
  const plan = { sftSteps: 0, grpoSteps: 0, evaluations: 0 };
  const eta = createEta(plan);
  const reporter = environment.createReporter(eta.estimate);
  environment.onReporter(reporter);
  reporter.emit({ type: 'state', state: 'loading', stage: null });
  const session = await reporter.timed('load', () => openSession(request, environment.encoder, reporter));
  const { recipe } = request;
  plan.sftSteps = recipe.sft.max_steps === 0 ? 0 : optimizerSteps(session.rows.sft.length, recipe.sft);
  plan.grpoSteps = recipe.grpo.max_steps === 0 ? 0 : grpoOptimizerSteps(session.rows.grpo.length, recipe.grpo);
  plan.evaluations = session.rows.validation.length === 0 ? 0 : 1 + (plan.sftSteps ? 1 : 0) + (plan.grpoSteps ? 1 : 0);
  noteLeftOut(reporter, session.rows.leftOut);
  if (session.rows.validation.length === 0) {
    reporter.emit({
      type: 'notice',
      level: 'warning',
      code: 'data.noValidation',
      message: 'There are no validation rows: nothing is evaluated.',
    });
  }
  const summary: RunSummary = {
    stepsSft: 0,
    stepsGrpo: 0,
    seconds: {},
    matmulGflops: await measureMatmul(session.gpu),
    adapter: { r: 0, lora_alpha: 0, target_modules: [], parameters: 0, bytes: 0 },
    seed: request.seed,
    complete: true,
  };
  const run: Run = { request, session, reporter, control: environment.control, eta, summary, round: 0 };
  try {
    await runAndSave(run);
  } catch (error) {
    throw await causeOf(session.gpu, error);
  } finally {
    // A failed run must not keep the GPU's memory from the next one.
    session.gpu.device.destroy();
  }
  summary.seconds = { ...reporter.seconds(), total: (performance.now() - began) / 1000 };
  await updateRun(request.runId, { state: 'finished', summary });
  return summary;
}

async function runAndSave(run: Run): Promise<void> {
  const { session, reporter, request, summary } = run;
  try {
    await runStages(run);
  } catch (error) {
    if (!(error instanceof StopRequested)) throw error;
    summary.complete = false;
  }
  reporter.progress({ phase: 'save', done: 0, total: 1, unit: 'files' });
  summary.adapter = await saveAdapter(session, request.runId, request.recipe);
  await saveCheckCase(session, request.runId);
}
