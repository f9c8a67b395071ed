// The two training stages of a run: hands the loops what the session holds, and their boundaries to checkpoints.

import { STREAM, streamKey } from '../base/random';
import { generate, type GeneratePrompt } from '../infer/generate';
import { grpoLoop } from '../train/grpoLoop';
import type { RolloutContext } from '../train/rollout';
import { sftLoop } from '../train/sftLoop';
import { saveAdapter } from './artifacts';
import { evaluateNow, figuresOf } from './evaluation';
import { packContextOf, type Run } from './run';
import { saveRun } from './saving';

/** What both loops are given besides their own. */
function common(run: Run) {
  const { session, reporter, control, setup } = run;
  return {
    trainee: session.trainee,
    pack: packContextOf(session),
    seed: setup.seed,
    control,
    reporter,
    save: (best: boolean) => saveRun(run, best),
    evaluate: async (step: number) => {
      const result = await evaluateNow(run, step);
      return result && figuresOf(result);
    },
  };
}

/** Times whole steps for the time left; evaluations and saves between them are not counted. */
function stepClock(run: Run, stage: 'sft' | 'grpo') {
  let began = performance.now();
  const { evaluate, save, control } = common(run);
  const restarted = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    began = performance.now();
    return result;
  };
  return {
    evaluate: (step: number) => restarted(evaluate(step)),
    save: (best: boolean) => restarted(save(best)),
    control: { boundary: () => restarted(control.boundary()) },
    onStep(done: number) {
      const { summary } = run.progress;
      if (stage === 'sft') summary.stepsSft = done;
      else summary.stepsGrpo = done;
      run.eta.finished(stage, (performance.now() - began) / 1000);
      began = performance.now();
    },
  };
}

/** SFT from where the run stands; the adapter it ends with is stored. */
export async function sftStage(run: Run): Promise<void> {
  const { session, runId, progress } = run;
  const { onStep, ...hooks } = stepClock(run, 'sft');
  const { recipe } = session;
  const context = {
    ...common(run),
    ...hooks,
    examples: session.rows.sft,
    options: recipe.sft,
    loraDropout: recipe.lora.lora_dropout,
  };
  await sftLoop(context, progress.state, onStep);
  progress.summary.adapter = await saveAdapter(session, runId);
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
  const { onStep, ...hooks } = stepClock(run, 'grpo');
  const context = {
    ...common(run),
    ...hooks,
    rows: session.rows.grpo,
    rewards: session.rewards,
    generate: sampler(run),
    decode: (ids: readonly number[]) => session.text.tokenizer.decode(ids, { skipSpecialTokens: true }),
    options: session.recipe.grpo,
  };
  await grpoLoop(context, progress.state, onStep);
}
