import { expect, test } from 'vitest';
import { presets } from '../../recipe/presets';
import { SECTION_RULES, TOP_RULES } from '../../recipe/recipeRules';
import { grpoSummary } from './recipeSummary';
import { presetOf, PRESETS } from './presets';
import { choicesOf, fieldProblem, fieldValue, isShown, SECTIONS, withField } from './recipeFields';
import { withBuiltIn, withWeight } from './rewardChoices';

const fields = SECTIONS.flatMap(({ groups }) => groups.flatMap((group) => group.fields));
const fieldOf = (name: string) => fields.find((field) => field.name === name)!;

test('the form has every option of a recipe, once', () => {
  const names = fields.map(({ section, name }) => `${section}.${name}`).sort();
  const rules = [
    ...Object.keys(TOP_RULES).map((name) => `.${name}`),
    ...Object.entries(SECTION_RULES).flatMap(([section, rules]) =>
      Object.keys(rules).map((name) => `${section}.${name}`),
    ),
  ].sort();
  expect(names).toEqual(rules);
});

test('every value of the presets passes the form', () => {
  for (const recipe of Object.values(presets)) {
    for (const field of fields)
      expect([field.name, fieldProblem(field, fieldValue(recipe, field))]).toEqual([field.name, null]);
  }
});

test('changing one option changes nothing else and makes the recipe its own', () => {
  const field = fields.find(({ section, name }) => section === 'grpo' && name === 'beta')!;
  const changed = withField(presets.demo, field, 0.1);
  expect(changed).toEqual({ ...presets.demo, grpo: { ...presets.demo.grpo, beta: 0.1 } });
  expect([presetOf(presets.demo), presetOf(changed)]).toEqual(['demo', null]);
});

test('a wrong value is answered with what is allowed', () => {
  const field = fields.find(({ name }) => name === 'num_generations')!;
  expect(fieldProblem(field, 1)).toContain('at least 2');
});

test('every option that is chosen from a list has one, with the value in use in it', () => {
  const chosen = fields.filter(({ kind }) => kind.type === 'choice');
  expect(chosen.map(({ name }) => name)).toEqual(expect.arrayContaining(['loss_type', 'init_lora_weights']));
  for (const recipe of Object.values(presets)) {
    for (const field of chosen) expect(choicesOf(field)).toContain(fieldValue(recipe, field));
  }
  expect(choicesOf(fieldOf('greater_is_better'))).toEqual([null, true, false]);
});

test('options of other losses are not shown', () => {
  const shown = (loss_type: 'sapo' | 'dapo') => {
    const recipe = { ...presets.demo, grpo: { ...presets.demo.grpo, loss_type } };
    return fields.filter((field) => isShown(field, recipe)).map(({ name }) => name);
  };
  expect(shown('sapo')).toContain('sapo_temperature_pos');
  expect(shown('sapo')).not.toContain('epsilon');
  expect(shown('dapo')).toContain('epsilon');
  expect(shown('dapo')).not.toContain('vespo_k_pos');
});

test('a built-in reward comes last with weight 1, and goes with its weight', () => {
  const added = withBuiltIn(presets.demo, 'length', true);
  expect(added.grpo).toMatchObject({ reward_funcs: ['semantic', 'format', 'length'], reward_weights: [1, 1, 1] });
  const removed = withBuiltIn(withWeight(added, 1, 0.5), 'semantic', false);
  expect(removed.grpo).toMatchObject({ reward_funcs: ['format', 'length'], reward_weights: [0.5, 1] });
  expect(withBuiltIn(presets.mmherc, 'length', true).grpo.reward_weights).toBeNull();
  expect(withWeight(presets.mmherc, 0, 2).grpo.reward_weights).toEqual([2, 1]);
});

test('every preset is offered with a line on what it is for, and recognised', () => {
  expect(PRESETS.map(({ name }) => name).sort()).toEqual(Object.keys(presets).sort());
  for (const { name, about, recipe } of PRESETS) expect([presetOf(recipe), about.endsWith('.')]).toEqual([name, true]);
});

test('the summary counts a rollout by the options that make it', () => {
  const linesOf = (grpo: object) => grpoSummary({ ...presets.demo, grpo: { ...presets.demo.grpo, ...grpo } });
  const prompts = (grpo: object) => linesOf(grpo).find(({ name }) => name.startsWith('Prompts'))!.value;
  expect([prompts({}), prompts({ steps_per_generation: 2 })]).toEqual(['4 × 4', '8 × 4']);
  expect(prompts({ generation_batch_size: 48 })).toBe('12 × 4');
  const rewards = linesOf({ reward_funcs: ['length', { name: 'own', javascript: '1' }], reward_weights: [0.25, 2] });
  expect(rewards.at(-1)!.value).toBe('length 0.25, own 2.0');
});
