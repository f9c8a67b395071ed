// An evaluation within a run: shows it, times it, and gives its figures to whoever judges the stage.

import { packExamples } from '../data/pack';
import { evaluate } from '../eval/evaluate';
import type { Evaluation, EvaluationEvent, Stage } from '../protocol/messages';
import type { EvalFigures } from '../train/bestModel';
import { scoreLabels } from '../train/lossPass';
import { packContextOf, type Run } from './run';

const WHEN: Partial<Record<Stage, EvaluationEvent['when']>> = {
  before: 'before',
  after_sft: 'after_sft',
  after_grpo: 'after_grpo',
};

/** Mean target log-probability needs sums: batches differ in size. */
async function lossOf({ session }: Run, examples: Parameters<typeof packExamples>[0]) {
  const batch = packExamples(examples, packContextOf(session));
  const { logp } = await scoreLabels(session.trainee, batch, { temperature: 1, withAdapter: true });
  return { sum: logp.reduce((total, value) => total + value, 0), labels: logp.length };
}

/**
 * Evaluates the adapter as it is.
 * @param step optimizer steps done in the stage
 * @returns null without validation rows
 * @throws StopRequested between its parts; the evaluation then counts as not begun
 */
export async function evaluateNow(run: Run, step: number): Promise<Evaluation | null> {
  const { session, reporter, control, progress } = run;
  const { stage } = progress;
  const { recipe, model, text } = session;
  if (session.rows.validation.length === 0) return null;
  const began = performance.now();
  const { samples, ...result } = await evaluate({
    generation: session.generation,
    adapter: session.adapter,
    rows: session.rows.validation,
    semantic: session.semantic,
    decode: (ids) => text.tokenizer.decode(ids, { skipSpecialTokens: true }),
    lossTokens: run.setup.decisions.scoreTokens,
    loss: (examples) => lossOf(run, examples),
    samplesPerRow: recipe.eval.samples_per_row,
    temperature: recipe.eval.temperature,
    maxNewTokens: recipe.grpo.max_completion_length,
    suppressedIds: [model.config.imageTokenId],
    endIds: model.config.eosTokenIds,
    seed: run.setup.seed,
    round: progress.round,
    boundary: () => control.boundary(),
    onProgress: (done, total) => reporter.progress({ phase: 'evaluate', done, total, unit: 'completions' }),
    onSample: (sample) => reporter.emit({ type: 'liveSample', stage, sample }),
  });
  // Nothing of an evaluation's size is needed again soon.
  session.gpu.trim();
  progress.round++;
  run.eta.finished('evaluation', (performance.now() - began) / 1000);
  reporter.emit({ type: 'evaluation', when: WHEN[stage] ?? 'during', stage, step, result, samples });
  return result;
}

/** The figures that the best model may be chosen by. */
export function figuresOf({ evalLoss, greedy, sampled }: Evaluation): EvalFigures {
  const scores = sampled ?? greedy;
  return {
    eval_loss: evalLoss,
    eval_format_compliance: scores.formatCompliance,
    eval_accuracy: scores.accuracy,
    eval_semantic_reward: scores.semanticReward,
    eval_format_reward: scores.formatReward,
    eval_total_reward: scores.totalReward,
  };
}
