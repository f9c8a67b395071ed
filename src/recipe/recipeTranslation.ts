// What the rewriting of a recipe's JSON shares: the record that is rewritten, and moving values in it. Judges nothing.

import { isJsonObject, type JsonObject } from '../base/json';
import type { Section } from './recipeRules';

/** A plain JSON object. */

/** One thing wrong with a recipe. */
export interface RecipeProblem {
  code: 'recipe.unknown' | 'recipe.unsupported' | 'recipe.value' | 'recipe.combination';
  message: string;
}

/** What is at hand while one recipe is rewritten. */
export interface Translation {
  recipe: JsonObject;
  notes: string[];
  problems: RecipeProblem[];
  /** The seed that the recipe asks for. */
  seed: number | null;
}

/** The two stages that share TrainingArguments. */
export const STAGES = ['sft', 'grpo'] as const satisfies readonly Section[];
export type Stage = (typeof STAGES)[number];

/** A value as it stands in messages: JSON, long ones cut. */
export function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

/** The section as an object that may be written to; absent or malformed sections give null. */
export function sectionOf({ recipe }: Translation, name: string): JsonObject | null {
  const value = recipe[name];
  return isJsonObject(value) ? value : null;
}

/** Removes an option and returns its value. */
export function take(object: JsonObject, key: string): unknown {
  const value = object[key];
  delete object[key];
  return value;
}

/** Notes a value that this program does not have. */
export function refuse(translation: Translation, option: string, value: unknown, allowed: string): void {
  const message = `${option} is ${shown(value)}; allowed: ${allowed}`;
  translation.problems.push({ code: 'recipe.unsupported', message });
}

/** Notes two options that contradict each other. */
export function contradict(translation: Translation, message: string): void {
  translation.problems.push({ code: 'recipe.combination', message });
}

/** Moves `value` to `section.name` (at top level where the section is empty); another value there contradicts it. */
export function put(translation: Translation, section: '' | Section, name: string, value: unknown, from: string): void {
  const target = section === '' ? translation.recipe : (translation.recipe[section] ??= {});
  if (!isJsonObject(target)) return;
  const path = section === '' ? name : `${section}.${name}`;
  if (Object.hasOwn(target, name) && JSON.stringify(target[name]) !== JSON.stringify(value)) {
    return contradict(translation, `${from} and ${path} are both given: they are the same option, keep one`);
  }
  target[name] = value;
}

/** Gives options the names used here. @param names by section: other name -> the name here */
export function renameOptions(translation: Translation, names: Partial<Record<Section, Record<string, string>>>): void {
  for (const [section, aliases] of Object.entries(names)) {
    const object = sectionOf(translation, section);
    if (!object) continue;
    for (const [alias, name] of Object.entries(aliases)) {
      if (!Object.hasOwn(object, alias)) continue;
      put(translation, section as Section, name, take(object, alias), `${section}.${alias}`);
    }
  }
}
