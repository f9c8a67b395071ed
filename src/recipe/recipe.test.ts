import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LorikeetError } from '../base/errors';
import { defaultRecipe } from './defaultRecipe';
import { presets } from './presets';
import { parseRecipe, parseStoredRecipe } from './recipe';

const demoFile: unknown = JSON.parse(readFileSync(new URL('../../public/demo/recipe.json', import.meta.url), 'utf8'));

function errorOf(json: unknown): LorikeetError {
  try {
    parseRecipe(json);
  } catch (error) {
    if (error instanceof LorikeetError) return error;
    throw error;
  }
  throw new Error('the recipe was accepted');
}

/** The demo's file with one option changed or added. */
function changed(section: string, options: object): unknown {
  const copy = structuredClone(demoFile) as Record<string, object>;
  return { ...copy, [section]: { ...copy[section], ...options } };
}

describe('our own form', () => {
  it('fills an empty or partial recipe with the defaults and has nothing to say about them', () => {
    expect(parseRecipe({})).toEqual({ recipe: defaultRecipe, notes: [], seed: null });
    const { recipe, notes } = parseRecipe({ grpo: { beta: 0.1 } });
    expect(recipe).toEqual({ ...defaultRecipe, grpo: { ...defaultRecipe.grpo, beta: 0.1 } });
    expect(notes).toEqual([]);
  });

  it("has TRL's defaults for GRPO's loss, sampler and reference", () => {
    const { grpo } = parseRecipe({}).recipe;
    expect([grpo.loss_type, grpo.beta, grpo.use_bias_correction_kl, grpo.reference]).toEqual([
      'dapo',
      0,
      true,
      'start',
    ]);
    expect([grpo.num_generations, grpo.max_completion_length, grpo.num_iterations]).toEqual([8, 512, 1]);
    expect([grpo.reward_funcs, grpo.reward_weights]).toEqual([['semantic', 'format'], null]);
  });

  it('takes a clipping norm of 0: off, as in transformers', () => {
    expect(parseRecipe({ sft: { max_grad_norm: 0 } }).recipe.sft.max_grad_norm).toBe(0);
  });

  it('takes rewards of the user beside built-in ones', () => {
    const own = { name: 'short', javascript: 'function score(batch) { return batch.lengths.map((n) => -n); }' };
    const given = { grpo: { reward_funcs: ['exact_match', own], reward_weights: [1, 0.5] } };
    const { grpo } = parseRecipe(given).recipe;
    expect([grpo.reward_funcs, grpo.reward_weights]).toEqual([
      ['exact_match', own],
      [1, 0.5],
    ]);
  });

  it.each(Object.entries(presets))('reads the preset %s back unchanged', (_, preset) => {
    expect(parseRecipe(structuredClone(preset)).recipe).toEqual(preset);
  });

  it('has the published recipe in the preset mmherc: adapter off for the KL, plain KL, bnpo, no dropout in GRPO', () => {
    const { lora, grpo } = presets.mmherc;
    expect(lora).toMatchObject({ r: 8, lora_alpha: 16, lora_dropout: 0.1, target_modules: ['q_proj', 'v_proj'] });
    expect(grpo).toMatchObject({ loss_type: 'bnpo', beta: 0.04, use_bias_correction_kl: false, num_generations: 4 });
    expect(grpo).toMatchObject({ reference: 'base', disable_dropout: true });
  });

  it('loads pictures as the libraries do, and as MMHERC did in its preset', () => {
    expect(parseRecipe({}).recipe.image_loading).toBe('library');
    const loadings = Object.entries(presets).map(([name, { image_loading }]) => [name, image_loading]);
    expect(Object.fromEntries(loadings)).toEqual({
      demo: 'library',
      balanced: 'library',
      'memory-tight': 'library',
      mmherc: 'recipe',
    });
    expect(errorOf({ image_loading: 'pillow' }).message).toContain('image_loading is "pillow"; allowed: ');
  });

  it('of a run that was stored before image_loading was an option loads pictures as that run did', () => {
    const { image_loading: _absent, ...older } = presets.demo;
    expect(parseStoredRecipe(older).recipe).toEqual({ ...presets.demo, image_loading: 'recipe' });
    for (const preset of Object.values(presets)) expect(parseStoredRecipe(preset).recipe).toEqual(preset);
  });

  it('never hands out the default objects themselves', () => {
    const { recipe } = parseRecipe({});
    recipe.lora.target_modules.push('o_proj');
    recipe.grpo.reward_funcs.pop();
    expect(parseRecipe({}).recipe).toEqual(defaultRecipe);
  });

  it('accepts library options in the one setting that exists, and stores none of them', () => {
    const given = { lora: { bias: 'none', task_type: 'CAUSAL_LM' }, grpo: { optim: 'adamw_torch_fused' } };
    expect(parseRecipe(given).recipe).toEqual(defaultRecipe);
  });
});

describe('refusals', () => {
  it('names the option, what was found and what is allowed', () => {
    const { code, message } = errorOf({ lora: { r: 0 } });
    expect(code).toBe('recipe.value');
    expect(message).toBe('Recipe: lora.r is 0; allowed: a whole number from 1 to 256.');
  });

  it('collects every problem into one message', () => {
    const { code, message } = errorOf({
      lora: { r: 'eight', target_modules: ['qkv'] },
      sft: { learning_rate: 0, warmup_steps: 1.5 },
      grpo: { num_generations: 1, num_iterations: 0, loss_type: 'ppo' },
      speed: 9,
    });
    expect(code).toBe('recipe.invalid');
    for (const part of [
      '8 problems',
      'lora.r is "eight"',
      'lora.target_modules is ["qkv"]; allowed: a list without repeats of: q_proj, k_proj',
      'sft.learning_rate is 0; allowed: a number above 0',
      'sft.warmup_steps is 1.5',
      'grpo.num_generations is 1; allowed: a whole number at least 2',
      'grpo.num_iterations is 0; allowed: a whole number at least 1',
      'grpo.loss_type is "ppo"; allowed: "grpo" or "bnpo" or "dr_grpo" or "dapo"',
      'speed is not an option of this program',
    ]) {
      expect(message).toContain(part);
    }
  });

  it('tells where an option belongs that stands in the wrong place', () => {
    expect(errorOf({ learning_rate: 1 }).message).toContain('learning_rate stands in: sft, grpo');
    expect(errorOf({ sft: { max_prompt_length: 9 } }).message).toContain('max_prompt_length stands in: no section');
  });

  it.each([
    ['lora', { init_lora_weights: 'pissa' }, 'lora.init_lora_weights is "pissa"; allowed: true or false or "gaussian"'],
    ['lora', { use_rslora: 1 }, 'lora.use_rslora is 1; allowed: true or false'],
    ['sft', { save_steps: 0.5 }, 'sft.save_steps is 0.5; allowed: a whole number at least 0'],
    ['sft', { save_total_limit: 0 }, 'sft.save_total_limit is 0; allowed: a whole number at least 1'],
    ['sft', { metric_for_best_model: 'bleu' }, 'sft.metric_for_best_model is "bleu"; allowed: "eval_loss" or'],
    ['sft', { early_stopping_patience: 0 }, 'sft.early_stopping_patience is 0'],
    ['sft', { packing: 'yes' }, 'sft.packing is "yes"'],
    ['grpo', { top_entropy_quantile: 1.1 }, 'grpo.top_entropy_quantile is 1.1; allowed: a number from 0 to 1'],
    ['grpo', { delta: 0 }, 'grpo.delta is 0; allowed: a number above 0, or null (off)'],
    ['grpo', { sapo_temperature_neg: 0 }, 'grpo.sapo_temperature_neg is 0; allowed: a number above 0'],
    ['grpo', { importance_sampling_level: 'word' }, 'grpo.importance_sampling_level is "word"'],
    ['grpo', { multi_objective_aggregation: 'sum' }, 'grpo.multi_objective_aggregation is "sum"'],
    ['grpo', { scale_rewards: 'all' }, 'grpo.scale_rewards is "all"; allowed: "group" or "batch" or "none"'],
    [
      'grpo',
      { reward_funcs: [] },
      'grpo.reward_funcs is []; allowed: a list of: semantic, format, exact_match, length',
    ],
    ['grpo', { reward_funcs: ['accuracy_reward'] }, 'grpo.reward_funcs is ["accuracy_reward"]'],
    ['grpo', { reward_funcs: [{ name: 'own' }] }, 'grpo.reward_funcs is [{"name":"own"}]'],
    ['grpo', { reward_weights: ['1', 1] }, 'grpo.reward_weights is ["1",1]; allowed: a list of numbers'],
    ['grpo', { reference: 'none' }, 'grpo.reference is "none"; allowed: "base" or "start"'],
  ])('refuses %s %j', (section, options, part) => {
    const { code, message } = errorOf({ [section]: options });
    expect([code, message]).toEqual(['recipe.value', expect.stringContaining(part)]);
  });

  it('does not take names of built-in properties for options', () => {
    expect(errorOf({ lora: JSON.parse('{"toString": 1, "__proto__": 2}') }).code).toBe('recipe.unknown');
  });

  it.each([[null], [[]], ['text'], [3]])('refuses %j: not an object', (json) => {
    expect(errorOf(json).code).toBe('recipe.notObject');
  });

  it('refuses a section that is not an object', () => {
    expect(errorOf({ sft: [] }).message).toContain('sft is []; allowed: an object');
  });

  it('wants the placeholders in the templates', () => {
    expect(errorOf({ prompt_template: 'Hello' }).message).toContain('{question}');
    expect(errorOf({ target_template: '{thought}' }).message).toContain('{answer}');
  });
});

describe("the demo's form", () => {
  it('reads the bundled recipe.json as the demo preset', () => {
    const { recipe, notes } = parseRecipe(demoFile);
    expect(recipe).toEqual(presets.demo);
    expect(notes.join('\n')).toContain('sft.loss_normalization = "step"');
  });

  it('leaves GRPO what the demo means where the form is silent: bnpo, the base as reference, no dropout', () => {
    const { loss_type: _, reference: __, ...grpo } = (demoFile as { grpo: Record<string, unknown> }).grpo;
    const { recipe, notes } = parseRecipe({ ...(demoFile as object), lora: { dropout: 0.1 }, grpo });
    expect(recipe.grpo).toMatchObject({ loss_type: 'bnpo', reference: 'base', disable_dropout: true });
    expect(notes.join('\n')).toContain('lora.lora_dropout acts in SFT only');
  });

  it('reads loss_on and splits a step by accumulation', () => {
    expect(parseRecipe(changed('sft', { loss_on: 'completion' })).recipe.sft.completion_only_loss).toBe(true);
    const { grpo } = parseRecipe(changed('grpo', { gradient_accumulation_steps: 2 })).recipe;
    expect([grpo.per_device_train_batch_size, grpo.gradient_accumulation_steps]).toEqual([8, 2]);
  });

  it('keeps a warm-up that stands beside schedule constant', () => {
    const { grpo } = parseRecipe(changed('grpo', { warmup_steps: 3 })).recipe;
    expect(grpo.lr_scheduler_type).toBe('constant_with_warmup');
  });

  it.each([
    ['grpo', { logp_temperature: 0.9 }, 'grpo.logp_temperature is 0.9; allowed: 1 (grpo.temperature)'],
    ['grpo', { prompts_per_step: '4' }, 'grpo.prompts_per_step is "4"'],
    ['sft', { loss_on: 'answer' }, 'sft.loss_on is "answer"; allowed: "full" or "completion"'],
    ['sft', { max_steps: 3 }, 'sft.steps and sft.max_steps are both given'],
    ['optimizer', { name: 'sgd' }, 'optimizer.name is "sgd"; allowed: "adamw"'],
    ['optimizer', { momentum: 0 }, 'optimizer.momentum is not an option'],
    ['optimizer', { betas: [0.9, 2] }, 'sft.adam_beta2 is 2'],
    ['lora', { lora_alpha: 3 }, 'lora.alpha and lora.lora_alpha are both given'],
  ])('refuses %s %j', (section, options, part) => {
    expect(errorOf(changed(section, options)).message).toContain(part);
  });

  it('refuses other compute types', () => {
    expect(errorOf({ ...(demoFile as object), compute_dtype: 'bfloat16' }).message).toContain('"float32"');
  });
});
