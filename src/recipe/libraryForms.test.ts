import { describe, expect, it } from 'vitest';
import { toErrorRecord } from '../base/errors';
import { TARGET_MODULES } from '../base/targetModules';
import { defaultRecipe } from './defaultRecipe';
import { parseRecipe } from './recipe';

function problemOf(json: unknown): string {
  try {
    parseRecipe(json);
  } catch (error) {
    return toErrorRecord(error).message;
  }
  throw new Error('the recipe was accepted');
}

describe('the seed', () => {
  it('is read at the top or in a stage, and is no part of the recipe', () => {
    expect(parseRecipe({ seed: 7 })).toEqual({ recipe: defaultRecipe, notes: [], seed: 7 });
    expect(parseRecipe({ grpo: { seed: 0 } })).toEqual({ recipe: defaultRecipe, notes: [], seed: 0 });
    expect(parseRecipe({ seed: 3, sft: { seed: 3 }, grpo: { seed: 3 } }).seed).toBe(3);
  });

  it('must be one number', () => {
    expect(problemOf({ sft: { seed: 1 }, grpo: { seed: 2 } })).toContain('sft.seed 1 and grpo.seed 2 differ');
    expect(problemOf({ seed: -1 })).toContain('seed is -1; allowed: a whole number at least 0');
    expect(problemOf({ sft: { seed: '1' } })).toContain('sft.seed is "1"');
    expect(problemOf({ sft: { data_seed: 4 } })).toContain('sft.data_seed is 4; allowed: null (one seed');
  });
});

describe('target_modules and exclude_modules', () => {
  it('takes all-linear as the seven linears of the language model, and says so', () => {
    const { recipe, notes } = parseRecipe({ lora: { target_modules: 'all-linear' } });
    expect(recipe.lora.target_modules).toEqual(TARGET_MODULES);
    expect(notes.join()).toContain('seven linears of the language model');
  });

  it("takes null as PEFT's own choice", () => {
    expect(parseRecipe({ lora: { target_modules: null } }).recipe.lora.target_modules).toEqual(['q_proj', 'v_proj']);
  });

  it.each([['.*visual.*'], ['visual'], ['^model\\.visual\\..*$'], [['model.visual']], [[]], [null]])(
    'accepts exclude_modules %j: the vision tower never has an adapter',
    (pattern) => {
      expect(parseRecipe({ lora: { exclude_modules: pattern } }).recipe).toEqual(defaultRecipe);
    },
  );

  it.each([['q_proj'], ['.*'], ['.*visual.*|.*q_proj'], [['visual', 'layers.0.self_attn']], [3]])(
    'refuses exclude_modules %j, which excludes more',
    (pattern) => {
      expect(problemOf({ lora: { exclude_modules: pattern } })).toContain('lora.exclude_modules is');
    },
  );
});

describe('names and forms of other versions', () => {
  it('takes warmup_ratio as a share in warmup_steps', () => {
    expect(parseRecipe({ sft: { warmup_ratio: 0.03 } }).recipe.sft.warmup_steps).toBe(0.03);
    expect(parseRecipe({ sft: { warmup_ratio: 0, warmup_steps: 5 } }).recipe.sft.warmup_steps).toBe(5);
    expect(problemOf({ sft: { warmup_ratio: 0.1, warmup_steps: 5 } })).toContain(
      'sft.warmup_ratio 0.1 and sft.warmup_steps 5 are both given',
    );
    expect(problemOf({ grpo: { warmup_ratio: 1 } })).toContain('grpo.warmup_ratio is 1; allowed: a share');
  });

  it('takes scale_rewards true and false as group and none', () => {
    expect(parseRecipe({ grpo: { scale_rewards: true } }).recipe.grpo.scale_rewards).toBe('group');
    expect(parseRecipe({ grpo: { scale_rewards: false } }).recipe.grpo.scale_rewards).toBe('none');
  });

  it('moves num_generations_eval and max_prompt_length to where they stand here, and says so', () => {
    const { recipe, notes } = parseRecipe({ grpo: { num_generations_eval: 2, max_prompt_length: 300 } });
    expect([recipe.eval.samples_per_row, recipe.max_prompt_length]).toEqual([2, 300]);
    expect(notes.join()).toContain('eval.samples_per_row');
    expect(notes.join()).toContain('grpo.max_prompt_length holds for both stages');
    expect(problemOf({ max_prompt_length: 9, grpo: { max_prompt_length: 8 } })).toContain('are both given');
    expect(parseRecipe({ grpo: { num_generations_eval: null } }).recipe).toEqual(defaultRecipe);
  });

  it('takes max_seq_length, activation_checkpointing and evaluation_strategy by their names here', () => {
    const given = { max_seq_length: 600, activation_checkpointing: false, evaluation_strategy: 'steps', eval_steps: 5 };
    const { sft } = parseRecipe({ sft: given }).recipe;
    expect([sft.max_length, sft.gradient_checkpointing, sft.eval_steps]).toEqual([600, false, 5]);
  });

  it('adds eval_ to the metric of the best model, as transformers does', () => {
    const { sft } = parseRecipe({ sft: { metric_for_best_model: 'loss' } }).recipe;
    expect(sft.metric_for_best_model).toBe('eval_loss');
  });

  it.each([
    [{ eval_strategy: 'no', eval_steps: 50 }, { eval_steps: 0 }],
    [{ eval_strategy: 'steps', eval_steps: 50 }, { eval_steps: 50 }],
    [{ eval_strategy: 'steps' }, { eval_steps: 10 }],
    [{ eval_strategy: 'steps', eval_steps: null, logging_steps: 4 }, { eval_steps: 4 }],
    [{ save_strategy: 'no', save_steps: 500 }, { save_steps: 0 }],
    [{ save_strategy: 'steps', save_steps: 500 }, { save_steps: 500 }],
    [{ save_total_limit: null }, { save_total_limit: 2 }],
  ])('reads %j', (given, meant) => {
    expect(parseRecipe({ sft: given }).recipe.sft).toMatchObject(meant);
  });

  it.each([
    [{ eval_strategy: 'epoch' }, 'sft.eval_strategy is "epoch"; allowed: "no" or "steps" (evaluations are counted in'],
    [{ save_strategy: 'epoch' }, 'sft.save_strategy is "epoch"; allowed: "no" or "steps" (checkpoints are counted in'],
    [{ save_strategy: 'best' }, 'sft.save_strategy is "best"'],
  ])('refuses %j', (given, part) => {
    expect(problemOf({ sft: given })).toContain(part);
  });
});
