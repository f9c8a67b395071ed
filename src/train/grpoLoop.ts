// Group relative policy optimization: optimizer steps over slices of rollouts. A rollout may serve several steps, a
// step may take several rollouts; the default is one each.

import { readPieces, sourceOf } from '../base/floatSource';
import { frozenCopy, releaseCopy, resetOptimizer, type LoraAdapter } from '../model/lora';
import type { Control } from './control';
import type { EvalFigures } from './bestModel';
import { gpuSource, uploadNumbers } from './gpuNumbers';
import { policyStep } from './grpoPolicyStep';
import { watchGpu } from './gpuMetrics';
import { updateAdapter } from './optimizer';
import { meanOfMetrics } from './policy/policyMetrics';
import { makeRollout, type MadeRollout, type RolloutContext, type RolloutSeconds } from './rollout';
import { groupRecords, rolloutMetrics } from './rolloutReport';
import type { Rollout } from './rolloutTypes';
import { grpoStepPlan, type GrpoStep } from './sampler';
import { grpoOptimizerSteps, learningRateAt } from './schedule';
import type { StageState } from './stageState';
import { stepLoop, type StageSaves } from './stepLoop';

export interface GrpoContext extends Omit<RolloutContext, 'reference'> {
  control: Control;
  evaluate(step: number): Promise<EvalFigures | null>;
  saves: StageSaves;
}

interface StepRollouts {
  byIndex: Map<number, Rollout>;
  /** Those made in this step. */
  made: MadeRollout[];
  /** One record per rollout made in this step. */
  metrics: Record<string, number>[];
}

/** The step's rollouts: the one under way, and those that have to be made now. Does not change `state`. */
async function rolloutsOf(
  context: RolloutContext,
  state: Readonly<StageState>,
  plan: GrpoStep,
  place: { step: number; steps: number },
): Promise<StepRollouts> {
  const out: StepRollouts = { byIndex: new Map(), made: [], metrics: [] };
  let tokens = state.numTokens;
  for (const index of new Set(plan.microSteps.map(({ rollout }) => rollout))) {
    if (state.rollout?.index === index) {
      out.byIndex.set(index, state.rollout);
      continue;
    }
    const made = await makeRollout(context, index, place);
    const metrics = rolloutMetrics(context.rows, made, tokens);
    tokens = metrics.num_tokens!;
    out.byIndex.set(index, made.rollout);
    out.made.push(made);
    out.metrics.push(metrics);
  }
  return out;
}

/** Means over the step's rollouts; the token count is the latest. */
function generationMetrics({ metrics }: StepRollouts): Record<string, number> {
  const latest = metrics.at(-1);
  return latest ? { ...meanOfMetrics(metrics), num_tokens: latest.num_tokens ?? NaN } : {};
}

function secondsOf({ made }: StepRollouts, part: keyof RolloutSeconds): number {
  return made.reduce((sum, { seconds }) => sum + seconds[part], 0);
}

async function grpoStep(context: RolloutContext, state: StageState, step: number, steps: number): Promise<void> {
  const { trainee, options, reporter } = context;
  const began = reporter.now();
  const took = watchGpu(trainee.gpu);
  const place = { step: step + 1, steps };
  const plan = grpoStepPlan(context.rows.length, options, step);
  const rollouts = await rolloutsOf(context, state, plan, place);
  const trainBegan = reporter.now();
  const { loss, metrics } = await reporter.timed('backward', () =>
    policyStep(context, rollouts.byIndex, plan.microSteps, place),
  );
  reporter.progress({ phase: 'update', done: 0, total: 1, unit: 'updates', ...place });
  const rate = learningRateAt(step, steps, options);
  const norm = await reporter.timed('update', () =>
    updateAdapter(trainee.gpu, trainee.adapter, options, step + 1, rate),
  );
  const now = reporter.now();
  // Reports and state follow the update: a step that fails on the way leaves no trace, and is repeated whole.
  for (const made of rollouts.made)
    reporter.emit({ type: 'groups', step: place.step, groups: groupRecords(context, made) });
  const generated = generationMetrics(rollouts);
  reporter.emit({
    type: 'step',
    stage: 'grpo',
    ...place,
    metrics: {
      loss,
      grad_norm: norm,
      learning_rate: rate,
      ...generated,
      ...metrics,
      epoch: plan.epoch,
      step_time: (now - began) / 1000,
      'profiling/generate': secondsOf(rollouts, 'generate'),
      'profiling/score': secondsOf(rollouts, 'score'),
      'profiling/train': (now - trainBegan) / 1000,
      ...took(),
    },
  });
  state.numTokens = generated.num_tokens ?? state.numTokens;
  // A rollout that the next step does not use is forgotten: checkpoints stay small.
  const [next] = grpoStepPlan(context.rows.length, options, step + 1).microSteps;
  state.rollout = (next && rollouts.byIndex.get(next.rollout)) ?? null;
}

/** The frozen adapter of the KL term: a copy made when the stage begins, or the one of the checkpoint. */
async function openReference(context: GrpoContext, state: StageState): Promise<LoraAdapter | undefined> {
  const { trainee, options } = context;
  if (options.beta === 0 || options.reference === 'base') return undefined;
  const copy = frozenCopy(trainee.gpu, trainee.adapter);
  if (state.referenceWeights) {
    await uploadNumbers(trainee.gpu, copy.weight, sourceOf(state.referenceWeights));
  } else {
    state.referenceWeights = await readPieces(gpuSource(trainee.gpu, copy.weight));
  }
  return copy;
}

/**
 * Runs the stage from where `state` stands; a stage that begins gets a fresh optimizer on the adapter as it is.
 * @throws StopRequested at a step boundary, train.notFinite, gpu.*, reward.*
 */
export async function grpoLoop(context: GrpoContext, state: StageState, onStep: (done: number) => void): Promise<void> {
  const { trainee, options, control } = context;
  const steps = grpoOptimizerSteps(context.rows.length, options);
  if (state.step === 0) resetOptimizer(trainee.gpu, trainee.adapter);
  const reference = await openReference(context, state);
  const { gpu, adapter } = trainee;
  const { evaluate, saves } = context;
  try {
    await stepLoop({ steps, options, gpu, adapter, control, evaluate, saves, onStep }, state, (step) =>
      grpoStep({ ...context, reference }, state, step, steps),
    );
  } finally {
    if (reference) releaseCopy(gpu, reference);
  }
}
