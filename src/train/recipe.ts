// Reads a recipe from JSON: our own form (TRL's and PEFT's names, any part of it) or the demo's. Every problem is
// collected and named; nothing unknown is ignored. Must not know where the JSON comes from.

import { LorikeetError, check } from '../base/errors';
import type { Recipe } from './config';
import { defaultRecipe } from './presets';
import { isObject, translateRecipe } from './recipeAliases';
import type { JsonObject, RecipeProblem } from './recipeAliases';
import { ONE_SETTING, SECTION_RULES, SECTIONS, TOP_RULES } from './recipeRules';
import type { Rule, Section } from './recipeRules';

export interface ParsedRecipe {
  recipe: Recipe;
  /** What the reader decided where the recipe leaves a choice, one sentence each. */
  notes: string[];
}

/** Options that people bring from older versions or other places, with the way to say it here. */
const ELSEWHERE: Record<string, string> = {
  warmup_ratio: 'write the share as warmup_steps (a value below 1 is a share of all steps)',
  seed: 'the seed is not part of a recipe; give it when the run is started (--seed)',
  steps_per_generation: 'it always equals gradient_accumulation_steps here',
  generation_batch_size: 'it always equals per_device_train_batch_size x gradient_accumulation_steps here',
  max_prompt_length: 'it stands outside the sections: max_prompt_length',
  exclude_modules: 'adapters are only put on the language model here, so it is not needed',
};

function unknownOption(path: string, name: string, options: readonly string[]): RecipeProblem {
  const message = Object.hasOwn(ELSEWHERE, name)
    ? `${path} is not an option here: ${ELSEWHERE[name]}`
    : `${path} is not an option of this program; options there: ${options.join(', ')}`;
  return { code: 'recipe.unknown', message };
}

/**
 * Problems of the given options of one place.
 * @param prefix empty or `section.` @param known all names of the place, for the message
 */
function placeProblems(
  given: JsonObject,
  prefix: string,
  rules: Record<string, Rule>,
  oneSetting: Record<string, Rule>,
  known: readonly string[],
): RecipeProblem[] {
  return Object.entries(given).flatMap(([name, value]): RecipeProblem[] => {
    const path = prefix + name;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    const only = Object.hasOwn(oneSetting, name) ? oneSetting[name] : undefined;
    const applied = rule ?? only;
    if (!applied) return [unknownOption(path, name, known)];
    if (applied.accepts(value)) return [];
    const message = `${path} is ${JSON.stringify(value)}; allowed: ${applied.allowed}`;
    return [{ code: rule ? 'recipe.value' : 'recipe.unsupported', message }];
  });
}

function sectionProblems(section: Section, given: unknown): RecipeProblem[] {
  if (given === undefined) return [];
  if (!isObject(given)) {
    return [{ code: 'recipe.value', message: `${section} is ${JSON.stringify(given)}; allowed: an object of options` }];
  }
  const rules = SECTION_RULES[section];
  return placeProblems(given, `${section}.`, rules, ONE_SETTING[section], Object.keys(rules));
}

/** Problems of all options, each by itself. */
function optionProblems(json: JsonObject): RecipeProblem[] {
  const isSection = (name: string): boolean => (SECTIONS as readonly string[]).includes(name);
  const top = Object.fromEntries(Object.entries(json).filter(([name]) => !isSection(name)));
  return [
    ...placeProblems(top, '', TOP_RULES, {}, [...Object.keys(TOP_RULES), ...SECTIONS]),
    ...SECTIONS.flatMap((section) => sectionProblems(section, json[section])),
  ];
}

/** The recipe with defaults filled in; options of one setting are dropped. */
function fill(json: JsonObject): Recipe {
  const known = (given: unknown, rules: Record<string, Rule>): JsonObject =>
    Object.fromEntries(Object.entries(isObject(given) ? given : {}).filter(([name]) => Object.hasOwn(rules, name)));
  const sections = SECTIONS.map((section) => [
    section,
    { ...defaultRecipe[section], ...known(json[section], SECTION_RULES[section]) },
  ]);
  // Every value has passed its rule, so the record has the type's shape.
  const filled = { ...defaultRecipe, ...known(json, TOP_RULES), ...Object.fromEntries(sections) } as Recipe;
  return structuredClone(filled);
}

/** Problems between options that are each allowed. */
function combinationProblems({ grpo }: Recipe): RecipeProblem[] {
  const batch = grpo.per_device_train_batch_size * grpo.gradient_accumulation_steps;
  if (batch % grpo.num_generations === 0) return [];
  const message =
    `grpo.per_device_train_batch_size ${grpo.per_device_train_batch_size} x gradient_accumulation_steps ` +
    `${grpo.gradient_accumulation_steps} = ${batch} completions a step; ` +
    `allowed: a multiple of grpo.num_generations ${grpo.num_generations}`;
  return [{ code: 'recipe.combination', message }];
}

function throwProblems(problems: readonly RecipeProblem[]): void {
  if (problems.length === 0) return;
  const codes = new Set(problems.map(({ code }) => code));
  const lines = problems.map(({ message }) => message);
  const text =
    lines.length === 1 ? `Recipe: ${lines[0]}.` : `Recipe, ${lines.length} problems:\n- ${lines.join('\n- ')}`;
  throw new LorikeetError(codes.size === 1 ? problems[0].code : 'recipe.invalid', text, 'Correct these options.');
}

/**
 * Reads a recipe.
 * @param json parsed JSON: an object in TRL's names, any part of it, or in the form of the demo's recipe.json
 * @returns a complete recipe, and notes on what was decided
 * @throws recipe.notObject; recipe.unknown, recipe.unsupported, recipe.value, recipe.combination (all problems in one
 * message), or recipe.invalid when they are of several kinds
 */
export function parseRecipe(json: unknown): ParsedRecipe {
  check(
    isObject(json),
    'recipe.notObject',
    `Recipe: expected a JSON object, found ${JSON.stringify(json)?.slice(0, 80)}.`,
  );
  const { recipe: translated, notes, problems } = translateRecipe(json);
  const found = [...problems, ...optionProblems(translated)];
  throwProblems(found);
  const recipe = fill(translated);
  throwProblems(combinationProblems(recipe));
  const grpo = translated.grpo;
  if (isObject(grpo) && !('loss_type' in grpo)) {
    notes.push(
      `grpo.loss_type = "${recipe.grpo.loss_type}": not given, and TRL's own default, dapo, is not available.`,
    );
  }
  if (recipe.lora.lora_dropout > 0) {
    notes.push('lora.lora_dropout acts in SFT only; GRPO runs without dropout (disable_dropout).');
  }
  return { recipe, notes };
}
