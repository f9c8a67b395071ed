// Reading, checking and changing one option of a recipe in the form. What a value may be is recipe/recipeRules.

import type { LossType, Recipe } from '../../recipe/config';
import { SECTION_RULES, TOP_RULES, type Section } from '../../recipe/recipeRules';
import { SECTION_ENTRIES, type FieldKind } from './recipeGroups';

export interface RecipeField {
  /** Section and name, as in the recipe's JSON; top-level options have an empty section. */
  section: '' | Section;
  name: string;
  kind: FieldKind;
  help: string;
  /** The loss types with which the option acts; null: all. */
  shownFor: readonly LossType[] | null;
}

export interface FieldGroup {
  title: string;
  fields: RecipeField[];
}

/** The options in the order of the form, by section and group. */
export const SECTIONS: { section: RecipeField['section']; title: string; groups: FieldGroup[] }[] = SECTION_ENTRIES.map(
  ({ section, title, groups }) => ({
    section,
    title,
    groups: groups.map((group) => ({
      title: group.title,
      fields: group.entries.map(([name, kind, help, shownFor = null]) => ({ section, name, kind, help, shownFor })),
    })),
  }),
);

function ruleOf({ section, name }: RecipeField) {
  return (section === '' ? TOP_RULES : SECTION_RULES[section])[name as keyof typeof TOP_RULES];
}

/** Whether the form shows the option: it acts with the recipe's loss, and has an input of its own. */
export function isShown({ kind, shownFor }: RecipeField, recipe: Recipe): boolean {
  return kind.type !== 'elsewhere' && (shownFor === null || shownFor.includes(recipe.grpo.loss_type));
}

/** All values of an option that is chosen from a list. */
export function choicesOf(field: RecipeField): readonly unknown[] {
  return ruleOf(field).values ?? [];
}

/** The option's value in a recipe. */
export function fieldValue(recipe: Recipe, field: RecipeField): unknown {
  const top = recipe as unknown as Record<string, unknown>;
  const home = field.section === '' ? top : (top[field.section] as Record<string, unknown>);
  return home[field.name];
}

/** A copy of the recipe with one option changed; the value must have passed `fieldProblem`. */
export function withField(recipe: Recipe, field: RecipeField, value: unknown): Recipe {
  if (field.section === '') return { ...recipe, [field.name]: value };
  return { ...recipe, [field.section]: { ...recipe[field.section], [field.name]: value } };
}

/** What is wrong with a value of the option, as the end of a sentence; null when nothing is. */
export function fieldProblem(field: RecipeField, value: unknown): string | null {
  const rule = ruleOf(field);
  return rule.accepts(value) ? null : `allowed: ${rule.allowed}`;
}
