// The two training stages of a run: hands the loops what the session holds, and their boundaries to checkpoints.

import { STREAM, streamKey } from '../base/random';
import { generate, type GeneratePrompt } from '../infer/generate';
import { grpoLoop } from '../train/grpoLoop';
import type { RolloutContext } from '../train/rollout';
import { sftLoop } from '../train/sftLoop';
import { exportAdapter } from './artifacts';
import { evaluateNow, figuresOf } from './evaluation';
import { orNotice } from './orNotice';
import { packContextOf, type Run } from './run';

/**
 * What both loops are given besides their own. Whole steps are timed for the time left; evaluations, saves and pauses
 * between them are not counted.
 */
function openStage(run: Run, stage: 'sft' | 'grpo') {
  const { session, reporter, control, keeper, setup, progress } = run;
  let began = reporter.now();
  const untimed = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    began = reporter.now();
    return result;
  };
  const evaluate = async (step: number) => {
    const result = await evaluateNow(run, step);
    return result && figuresOf(result);
  };
  const onStep = (done: number) => {
    const { summary } = progress;
    if (stage === 'sft') summary.stepsSft = done;
    else summary.stepsGrpo = done;
    run.eta.finished(stage, (reporter.now() - began) / 1000);
    began = reporter.now();
  };
  const context = {
    trainee: session.trainee,
    pack: packContextOf(session),
    seed: setup.seed,
    reporter,
    control: { boundary: () => untimed(control.boundary()) },
    saves: { save: (best: boolean) => untimed(keeper.tryCommit({ best, goesOn: true })), owes: keeper.owes },
    evaluate: (step: number) => untimed(evaluate(step)),
  };
  return { context, onStep };
}

/** SFT from where the run stands; the adapter it ends with is stored if the disk takes it. */
export async function sftStage(run: Run): Promise<void> {
  const { session, runId, progress, reporter } = run;
  const { context, onStep } = openStage(run, 'sft');
  const { recipe } = session;
  const own = {
    examples: session.rows.sft,
    options: recipe.sft,
    loraDropout: recipe.lora.lora_dropout,
  };
  await sftLoop({ ...context, ...own }, progress.state, onStep);
  const adapter = await exportAdapter(session);
  progress.summary.adapter = adapter.summary;
  await orNotice(reporter, 'The adapter after SFT', () => adapter.store(runId));
}

/** Samples completions with the adapter as it is; each rollout has a random stream of its own. */
function sampler({ session, setup }: Run): RolloutContext['generate'] {
  const { grpo } = session.recipe;
  const { config } = session.model;
  return (prompts: GeneratePrompt[], rollout, onProgress) =>
    generate(session.generation, prompts, {
      modes: [{ count: grpo.num_generations, temperature: grpo.temperature }],
      maxNewTokens: grpo.max_completion_length,
      suppressedIds: [config.imageTokenId],
      endIds: config.eosTokenIds,
      key: streamKey(setup.seed, STREAM.sampling, 1, rollout),
      topK: grpo.top_k,
      topP: grpo.top_p,
      minP: grpo.min_p ?? 0,
      repetitionPenalty: grpo.repetition_penalty,
      adapter: session.adapter,
      onProgress,
    });
}

/** GRPO from where the run stands. */
export async function grpoStage(run: Run): Promise<void> {
  const { session, progress } = run;
  const { context, onStep } = openStage(run, 'grpo');
  const own = {
    rows: session.rows.grpo,
    rewards: session.rewards,
    generate: sampler(run),
    decode: (ids: readonly number[]) => session.text.tokenizer.decode(ids, { skipSpecialTokens: true }),
    options: session.recipe.grpo,
  };
  await grpoLoop({ ...context, ...own }, progress.state, onStep);
}
