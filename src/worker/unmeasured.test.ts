import { expect, test } from 'vitest';
import { defaultRecipe } from '../recipe/defaultRecipe';
import type { OptimizerOptions, Recipe } from '../recipe/config';
import { unmeasuredNotice } from './unmeasured';

function recipe(sft: Partial<OptimizerOptions>): Recipe {
  return { ...defaultRecipe, sft: { ...defaultRecipe.sft, max_steps: 40, ...sft } };
}

const noTarget = [{ example: null }, { example: null }];

test('rows that tell everything need no words', () => {
  const example = { ids: [] } as never;
  expect(unmeasuredNotice(recipe({}), [{ example: null }, { example }])).toBeNull();
});

test('a run without validation rows says that nothing is evaluated', () => {
  const notice = unmeasuredNotice(recipe({}), []);
  expect(notice).toMatchObject({ level: 'warning', code: 'data.noValidation' });
  expect(notice?.message).toBe('There are no validation rows that can be evaluated: no evaluation and no check case.');
});

test('options that go by a figure that is missing are named with what comes of them', () => {
  const options = { eval_steps: 5, load_best_model_at_end: true, early_stopping_patience: 2 };
  const { code, message } = unmeasuredNotice(recipe({ ...options, metric_for_best_model: 'eval_loss' }), noTarget)!;
  expect(code).toBe('data.noEvalLoss');
  expect(message).toContain('eval_loss cannot choose the best adapter of SFT: the last one is kept.');
  expect(message).toContain('early_stopping_patience 2 of SFT counts each evaluation without eval_loss as no gain');
  expect(message).toContain('ends at evaluation 3 at the latest.');

  const byAccuracy = { ...options, metric_for_best_model: 'eval_accuracy' } as const;
  expect(unmeasuredNotice(recipe(byAccuracy), noTarget)?.message).not.toContain('SFT');
  expect(unmeasuredNotice(recipe(byAccuracy), [])?.message).toContain('eval_accuracy cannot choose');
});
