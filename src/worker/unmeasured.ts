// What a run cannot measure for want of validation rows, and what that means for its options. Pure.

import type { EvalRow } from '../eval/evaluate';
import type { NoticeEvent } from '../protocol/messages';
import type { BestMetric, OptimizerOptions, Recipe } from '../recipe/config';

const STAGES = { sft: 'SFT', grpo: 'GRPO' } as const;

/** What a stage's options come to when `metric_for_best_model` has no figure. */
function consequences(stage: string, options: OptimizerOptions): string[] {
  const {
    metric_for_best_model: metric,
    load_best_model_at_end: loadsBest,
    early_stopping_patience: patience,
  } = options;
  const out: string[] = [];
  if (loadsBest) out.push(`${metric} cannot choose the best adapter of ${stage}: the last one is kept.`);
  if (patience !== null) {
    const count = `early_stopping_patience ${patience} of ${stage} counts each evaluation without ${metric} as no gain`;
    // The first evaluation has nothing before it to gain on.
    out.push(`${count}, so the stage ends at evaluation ${patience + 1} at the latest.`);
  }
  return out;
}

/**
 * The notice about what the validation rows cannot tell; null when they tell everything.
 * @param rows those that can be evaluated
 */
export function unmeasuredNotice(recipe: Recipe, rows: readonly Pick<EvalRow, 'example'>[]): NoticeEvent | null {
  if (rows.some(({ example }) => example !== null)) return null;
  const isMissing = (metric: BestMetric): boolean => rows.length === 0 || metric === 'eval_loss';
  const parts = (['sft', 'grpo'] as const).flatMap((stage) => {
    const options = recipe[stage];
    const evaluates = options.max_steps !== 0 && options.eval_steps > 0;
    return evaluates && isMissing(options.metric_for_best_model) ? consequences(STAGES[stage], options) : [];
  });
  const [code, what] =
    rows.length === 0
      ? ['data.noValidation', 'There are no validation rows that can be evaluated: no evaluation and no check case.']
      : ['data.noEvalLoss', 'No validation row fits with its target: no eval loss and no check case.'];
  return { type: 'notice', level: 'warning', code, message: [what, ...parts].join(' ') };
}
