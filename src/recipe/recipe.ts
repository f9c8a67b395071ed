// Reads a recipe from JSON: our own form (TRL's and PEFT's names, any part of it), the libraries' own spellings of it,
// or the demo's. Every problem is collected and named; nothing is ignored silently. Must not know where the JSON comes
// from.

import { LorikeetError, check } from '../base/errors';
import { isJsonObject, type JsonObject } from '../base/json';
import type { Recipe } from './config';
import { defaultRecipe } from './defaultRecipe';
import { translateLibraryForms } from './libraryForms';
import { FIXED_OPTIONS, IGNORED_OPTIONS, IGNORED_REASONS } from './libraryOptions';
import type { FixedOption, IgnoredReason } from './libraryOptions';
import { translateDemoForm } from './recipeAliases';
import { combinationNotes, combinationProblems } from './recipeCombinations';
import { SECTION_RULES, SECTIONS, TOP_RULES } from './recipeRules';
import type { Section } from './recipeRules';
import { shown } from './recipeTranslation';
import type { RecipeProblem, Translation } from './recipeTranslation';
import type { Rule } from './rule';

export interface ParsedRecipe {
  recipe: Recipe;
  /** What the reader decided where the recipe leaves a choice, one sentence each. */
  notes: string[];
  /** The seed that stands in the recipe; null: none. A run's seed is given beside its recipe. */
  seed: number | null;
}

/** What may stand in one place: options with their rules, and library options of one setting or without effect. */
interface Place {
  /** Empty or `section.` */
  prefix: string;
  rules: Record<string, Rule>;
  fixed: Record<string, FixedOption>;
  ignored: Record<string, IgnoredReason>;
}

const TOP: Place = { prefix: '', rules: TOP_RULES, fixed: {}, ignored: {} };

function placeOf(section: Section): Place {
  const [rules, fixed, ignored] = [SECTION_RULES[section], FIXED_OPTIONS[section], IGNORED_OPTIONS[section]];
  return { prefix: `${section}.`, rules, fixed, ignored };
}

/** The entry of a name; names of built-in properties are no entries. */
function entryOf<Entry>(table: Record<string, Entry>, name: string): Entry | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function unknownOption({ prefix, rules }: Place, name: string): RecipeProblem {
  const homes = SECTIONS.filter((section) => Object.hasOwn(SECTION_RULES[section], name)).map(String);
  if (Object.hasOwn(TOP_RULES, name)) homes.push('no section');
  const known = [...Object.keys(rules), ...(prefix === '' ? SECTIONS : [])];
  const message =
    homes.length > 0
      ? `${prefix}${name} is not an option there; ${name} stands in: ${homes.join(', ')}`
      : `${prefix}${name} is not an option of this program; options there: ${known.join(', ')}`;
  return { code: 'recipe.unknown', message };
}

/** Problems of the given options of one place, each by itself. */
function placeProblems(given: JsonObject, place: Place): RecipeProblem[] {
  return Object.entries(given).flatMap(([name, value]): RecipeProblem[] => {
    const path = place.prefix + name;
    const rule = entryOf(place.rules, name);
    if (rule) {
      if (rule.accepts(value)) return [];
      return [{ code: 'recipe.value', message: `${path} is ${shown(value)}; allowed: ${rule.allowed}` }];
    }
    const fixed = entryOf(place.fixed, name);
    if (fixed) {
      if (fixed.rule.accepts(value)) return [];
      const message = `${path} is ${shown(value)}; allowed: ${fixed.rule.allowed} (${fixed.why})`;
      return [{ code: 'recipe.unsupported', message }];
    }
    return entryOf(place.ignored, name) ? [] : [unknownOption(place, name)];
  });
}

function sectionProblems(section: Section, given: unknown): RecipeProblem[] {
  if (given === undefined) return [];
  if (isJsonObject(given)) return placeProblems(given, placeOf(section));
  return [{ code: 'recipe.value', message: `${section} is ${shown(given)}; allowed: an object of options` }];
}

/** Problems of all options, each by itself. */
function optionProblems(json: JsonObject): RecipeProblem[] {
  const isSection = (name: string): boolean => (SECTIONS as readonly string[]).includes(name);
  const top = Object.fromEntries(Object.entries(json).filter(([name]) => !isSection(name)));
  return [...placeProblems(top, TOP), ...SECTIONS.flatMap((section) => sectionProblems(section, json[section]))];
}

/** One note for each reason for which options were ignored; options that are null ask for nothing. */
function ignoredNotes(json: JsonObject): string[] {
  const names = new Map<IgnoredReason, string[]>();
  for (const section of SECTIONS) {
    for (const [name, value] of Object.entries(isJsonObject(json[section]) ? json[section] : {})) {
      const reason = entryOf(IGNORED_OPTIONS[section], name);
      if (reason && value !== null) names.set(reason, [...(names.get(reason) ?? []), `${section}.${name}`]);
    }
  }
  return [...names].map(([reason, list]) => `Ignored, ${IGNORED_REASONS[reason]}: ${list.join(', ')}.`);
}

/** Options that older recipes lack, with what stands for them where they are left out. */
export type YoungerOptions = Partial<Pick<Recipe, 'image_loading'>>;

/** The recipe with defaults filled in; library options are dropped. */
function fill(json: JsonObject, younger: YoungerOptions): Recipe {
  const known = (given: unknown, rules: Record<string, Rule>): JsonObject =>
    Object.fromEntries(Object.entries(isJsonObject(given) ? given : {}).filter(([name]) => Object.hasOwn(rules, name)));
  const sections = SECTIONS.map((section) => [
    section,
    { ...defaultRecipe[section], ...known(json[section], SECTION_RULES[section]) },
  ]);
  // Every value has passed its rule, so the record has the type's shape.
  const filled = { ...defaultRecipe, ...younger, ...known(json, TOP_RULES), ...Object.fromEntries(sections) } as Recipe;
  return structuredClone(filled);
}

function throwProblems(problems: readonly RecipeProblem[]): void {
  const [first] = problems;
  if (!first) return;
  const codes = new Set(problems.map(({ code }) => code));
  const lines = problems.map(({ message }) => message);
  const text =
    lines.length === 1 ? `Recipe: ${lines[0]}.` : `Recipe, ${lines.length} problems:\n- ${lines.join('\n- ')}`;
  throw new LorikeetError(codes.size === 1 ? first.code : 'recipe.invalid', text, 'Correct these options.');
}

/**
 * Reads a recipe.
 * @param json parsed JSON: an object in TRL's names, any part of it, or in the form of the demo's recipe.json
 * @param younger takes the place of these options' defaults
 * @returns a complete recipe, notes on what was decided, and the seed if one is given
 * @throws recipe.notObject; recipe.unknown, recipe.unsupported, recipe.value, recipe.combination (all problems in one
 * message), or recipe.invalid when they are of several kinds
 */
export function parseRecipe(json: unknown, younger: YoungerOptions = {}): ParsedRecipe {
  check(isJsonObject(json), 'recipe.notObject', `Recipe: expected a JSON object, found ${shown(json)}.`);
  const translation: Translation = { recipe: structuredClone(json), notes: [], problems: [], seed: null };
  translateDemoForm(translation);
  translateLibraryForms(translation);
  throwProblems([...translation.problems, ...optionProblems(translation.recipe)]);
  const recipe = fill(translation.recipe, younger);
  throwProblems(combinationProblems(recipe).map((message) => ({ code: 'recipe.combination', message })));
  const notes = [...translation.notes, ...ignoredNotes(translation.recipe), ...combinationNotes(recipe)];
  return { recipe, notes, seed: translation.seed };
}

/**
 * Reads the recipe that a run was stored with, by this version or an older one: before image_loading was an option,
 * pictures were loaded as MMHERC does. @throws as parseRecipe
 */
export function parseStoredRecipe(json: unknown): ParsedRecipe {
  return parseRecipe(json, { image_loading: 'recipe' });
}
