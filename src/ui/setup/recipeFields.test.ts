import { expect, test } from 'vitest';
import { presets } from '../../train/presets';
import { TARGET_MODULES } from '../../train/config';
import { SECTION_RULES, TOP_RULES } from '../../train/recipeRules';
import { presetOf } from './presets';
import { fieldProblem, fieldValue, MODULES, SECTIONS, withField } from './recipeFields';

const fields = SECTIONS.flatMap((group) => group.fields);

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

test('every linear that the recipe knows can be chosen', () => {
  expect(MODULES).toEqual(TARGET_MODULES);
});
