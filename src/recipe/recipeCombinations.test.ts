import { describe, expect, it } from 'vitest';
import type { GrpoOptions } from './config';
import { parseRecipe } from './recipe';
import { problemOf } from './testing/problemOf';

const own = (name: string): GrpoOptions['reward_funcs'][number] => ({ name, javascript: 'const score = () => [];' });

describe('refused together', () => {
  it.each([
    [
      { grpo: { per_device_train_batch_size: 6, num_generations: 4 } },
      'grpo.per_device_train_batch_size 6 x gradient_accumulation_steps 1 = 6 completions a rollout; allowed: a multiple',
    ],
    [
      { grpo: { per_device_train_batch_size: 2, steps_per_generation: 3, num_generations: 4 } },
      'grpo.per_device_train_batch_size 2 x steps_per_generation 3 = 6 completions a rollout',
    ],
    [
      { grpo: { generation_batch_size: 12, per_device_train_batch_size: 4 } },
      'grpo.generation_batch_size 12 completions a rollout; allowed: a multiple of grpo.num_generations 8',
    ],
    [
      { grpo: { generation_batch_size: 16, per_device_train_batch_size: 6 } },
      'grpo.generation_batch_size is 16; allowed: a multiple of per_device_train_batch_size 6',
    ],
    [
      { grpo: { generation_batch_size: 8, steps_per_generation: 1 } },
      'grpo.generation_batch_size and grpo.steps_per_generation are both given',
    ],
    [{ grpo: { reward_weights: [1] } }, 'grpo.reward_weights has 1 numbers; allowed: one for each of the 2'],
    [{ grpo: { reward_funcs: ['format', 'format'] } }, 'grpo.reward_funcs has "format" more than once'],
    [{ grpo: { reward_funcs: [own('a'), own('a')] } }, 'grpo.reward_funcs has "a" more than once'],
    [{ grpo: { reward_funcs: [own('2nd')] } }, 'grpo.reward_funcs: the name "2nd" is not made of letters'],
    [{ grpo: { reward_funcs: [own('a/b')] } }, 'grpo.reward_funcs: the name "a/b" is not made of letters'],
    [{ grpo: { reward_funcs: [own('length')] } }, 'length is the name of a built-in reward'],
    [{ lora: { lora_dropout: 0.05 } }, 'lora.lora_dropout 0.05 with grpo.disable_dropout false'],
    [{ sft: { load_best_model_at_end: true } }, 'sft.load_best_model_at_end is given with sft.eval_steps 0'],
    [{ grpo: { early_stopping_patience: 2 } }, 'grpo.early_stopping_patience is given with grpo.eval_steps 0'],
    [{ sft: { packing: true } }, 'sft.packing is true with sft.max_length null'],
    [{ min_pixels: 784, max_pixels: 783 }, 'min_pixels is 784 with max_pixels 783'],
  ])('%j', (json, part) => {
    expect(problemOf(json)).toMatchObject({ code: 'recipe.combination', message: expect.stringContaining(part) });
  });

  it('collects every such problem', () => {
    const grpo = { reward_funcs: ['format', 'format'], reward_weights: [1, 2, 3], load_best_model_at_end: true };
    const { message } = problemOf({ lora: { lora_dropout: 0.1 }, sft: { packing: true }, grpo });
    for (const part of [
      '5 problems',
      'more than once',
      'reward_weights',
      'load_best_model_at_end',
      'lora_dropout',
      'packing',
    ]) {
      expect(message).toContain(part);
    }
  });
});

describe('allowed together', () => {
  it.each([
    [{ grpo: { per_device_train_batch_size: 6, gradient_accumulation_steps: 2, num_generations: 4 } }],
    [{ grpo: { per_device_train_batch_size: 2, steps_per_generation: 4, num_generations: 4 } }],
    [{ grpo: { per_device_train_batch_size: 3, gradient_accumulation_steps: 5, generation_batch_size: 24 } }],
    [{ grpo: { loss_type: 'luspo', importance_sampling_level: 'sequence' } }],
    [{ lora: { lora_dropout: 0.05 }, grpo: { max_steps: 0 } }],
    [{ lora: { lora_dropout: 0.05 }, grpo: { disable_dropout: true } }],
    [{ sft: { load_best_model_at_end: true, early_stopping_patience: 3, eval_steps: 20 } }],
    [{ sft: { packing: true, max_length: 1024 } }],
    [{ grpo: { reward_funcs: [own('_own'), 'length'] } }],
  ])('%j', (json) => {
    expect(() => parseRecipe(json)).not.toThrow();
  });
});

describe('noted', () => {
  it.each([
    [{ grpo: { loss_type: 'luspo' } }, '"luspo" is made for importance_sampling_level "sequence"'],
    [{ grpo: { loss_type: 'cispo' } }, "takes epsilon_high as the ratio's bound itself: 0.2"],
    [{ grpo: { loss_type: 'vespo', importance_sampling_level: 'sequence' } }, '"vespo" forms its own ratio'],
    [{ grpo: { importance_sampling_level: 'sequence' } }, '"dapo" with a ratio per sequence weighs long completions'],
    [{ grpo: { loss_type: 'sapo', delta: 2 } }, 'grpo.delta does not act with loss_type "sapo"'],
    [{ lora: { lora_dropout: 0.1 }, grpo: { disable_dropout: true } }, 'lora.lora_dropout acts in SFT only'],
    [{ sft: { lr_scheduler_type: 'constant', warmup_steps: 5 } }, 'sft.lr_scheduler_type "constant" has no warm-up'],
  ])('%j', (json, part) => {
    expect(parseRecipe(json).notes).toEqual([expect.stringContaining(part)]);
  });

  it.each([
    [{ grpo: { loss_type: 'cispo', epsilon_high: 5 } }],
    [{ grpo: { loss_type: 'grpo', importance_sampling_level: 'sequence', delta: 2 } }],
    [{ grpo: { loss_type: 'cispo', max_steps: 0 } }],
  ])('nothing about %j', (json) => {
    expect(parseRecipe(json).notes).toEqual([]);
  });
});
