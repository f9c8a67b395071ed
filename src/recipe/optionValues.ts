// Options named by their path in the recipe's JSON, and a recipe with some of them set.

import type { Recipe } from './config';

/** One option and a value for it. */
export interface OptionValue {
  /** As in the recipe's JSON: `section.name`, or `name` at the top. */
  option: string;
  value: unknown;
}

/** A copy of the recipe with these options set, all others as they are. The caller has the values checked. */
export function withOptions(recipe: Recipe, set: readonly OptionValue[]): Recipe {
  return set.reduce((before, { option, value }) => {
    const [section, name] = option.split('.') as [keyof Recipe, string?];
    if (name === undefined) return { ...before, [section]: value };
    return { ...before, [section]: { ...(before[section] as object), [name]: value } };
  }, recipe);
}
