import { expect, test } from 'vitest';
import type { Recipe } from '../../recipe/config';
import { recipeDifferences } from './recipeDifferences';

const base = { system_prompt: 'Think.', sft: { max_steps: 30 }, grpo: { beta: 0.04, reward_funcs: ['semantic'] } };

test('only what differs is named, by section and option, with the recipe’s own value', () => {
  const own = { ...base, sft: { max_steps: 5 }, grpo: { ...base.grpo, beta: 0 } };
  expect(recipeDifferences(own as unknown as Recipe, base as unknown as Recipe)).toEqual([
    { option: 'sft.max_steps', value: '5' },
    { option: 'grpo.beta', value: '0' },
  ]);
  expect(recipeDifferences(base as unknown as Recipe, base as unknown as Recipe)).toEqual([]);
});

test('rewards are named and long texts are shortened', () => {
  const own = {
    ...base,
    system_prompt: 'A very long prompt that says a lot of things to the model.',
    grpo: { ...base.grpo, reward_funcs: ['semantic', { name: 'mine', javascript: 'code' }] },
  };
  const found = recipeDifferences(own as unknown as Recipe, base as unknown as Recipe);
  expect(found.map(({ value }) => value)).toEqual(['A very long prompt that say…', 'semantic, mine']);
});
