import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LorikeetError } from '../base/errors';
import { defaultRecipe, presets } from './presets';
import { parseRecipe } from './recipe';

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
  it('fills an empty recipe with the defaults and says that the loss type is ours only when GRPO is named', () => {
    expect(parseRecipe({})).toEqual({ recipe: defaultRecipe, notes: [] });
    const { recipe, notes } = parseRecipe({ grpo: { beta: 0.1 } });
    expect(recipe.grpo).toEqual({ ...defaultRecipe.grpo, beta: 0.1 });
    expect(notes.join()).toContain('grpo.loss_type');
  });

  it.each(Object.entries(presets))('reads the preset %s back unchanged', (_, preset) => {
    expect(parseRecipe(structuredClone(preset)).recipe).toEqual(preset);
  });

  it('never hands out the default objects themselves', () => {
    const { recipe } = parseRecipe({});
    recipe.lora.target_modules.push('o_proj');
    recipe.grpo.reward_weights[0] = 5;
    expect(parseRecipe({}).recipe).toEqual(defaultRecipe);
  });

  it('accepts library options in the one setting that exists, and stores none of them', () => {
    const given = { lora: { bias: 'none', task_type: 'CAUSAL_LM' }, grpo: { num_iterations: 1, delta: null } };
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
      grpo: { num_generations: 1, num_iterations: 2, loss_type: 'dapo' },
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
      'grpo.num_iterations is 2; allowed: 1',
      'grpo.loss_type is "dapo"; allowed: "grpo" or "bnpo"',
      'speed is not an option of this program',
    ]) {
      expect(message).toContain(part);
    }
  });

  it('tells where an option of older versions or of the command line belongs', () => {
    expect(errorOf({ sft: { warmup_ratio: 0.03 } }).message).toContain('warmup_steps');
    expect(errorOf({ seed: 1 }).message).toContain('--seed');
  });

  it('does not take names of built-in properties for options', () => {
    expect(errorOf({ lora: JSON.parse('{"toString": 1, "__proto__": 2}') }).code).toBe('recipe.unknown');
  });

  it('wants the generation batch to be a multiple of the group', () => {
    const { code, message } = errorOf({ grpo: { per_device_train_batch_size: 6, num_generations: 4 } });
    expect(code).toBe('recipe.combination');
    expect(message).toContain('6 x gradient_accumulation_steps 1 = 6');
    const fine = { grpo: { per_device_train_batch_size: 6, gradient_accumulation_steps: 2, num_generations: 4 } };
    expect(parseRecipe(fine).recipe.grpo.num_generations).toBe(4);
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
    ['grpo', { reference: 'start' }, 'grpo.reference is "start"; allowed: "base"'],
    ['grpo', { num_iterations: 2 }, 'grpo.num_iterations is 2; allowed: 1'],
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
