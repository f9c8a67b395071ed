// What sets a recipe apart from another one, in the options' own names. Pure.

import { isJsonObject, type JsonObject } from '../../base/json';
import type { Recipe } from '../../recipe/config';

export interface Difference {
  /** `grpo.beta`, `system_prompt`. */
  option: string;
  value: string;
}

const LONGEST = 28;

function written(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((part) => written((part as { name?: string }).name ?? part)).join(', ');
  return JSON.stringify(value) ?? 'none';
}

/** Options of `recipe` that are not as in `base`, with the recipe's values, long ones shortened. */
export function recipeDifferences(recipe: Recipe, base: Recipe): Difference[] {
  return differences(recipe as unknown as JsonObject, base as unknown as JsonObject, '');
}

function differences(own: JsonObject, base: JsonObject, prefix: string): Difference[] {
  return Object.entries(own).flatMap(([name, value]): Difference[] => {
    const other = base[name];
    if (isJsonObject(value) && isJsonObject(other)) return differences(value, other, `${prefix}${name}.`);
    if (JSON.stringify(value) === JSON.stringify(other)) return [];
    const text = written(value);
    return [{ option: prefix + name, value: text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text }];
  });
}
