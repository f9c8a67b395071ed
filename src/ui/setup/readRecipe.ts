// Recipes from JSON, and what is wrong with one that is being edited.

import { LorikeetError, toErrorRecord } from '../../base/errors';
import type { Recipe } from '../../train/config';
import { parseRecipe, type ParsedRecipe, type YoungerOptions } from '../../train/recipe';

/** Reads a recipe from JSON text or from the parsed value. Errors: recipe.syntax, and those of parseRecipe. */
export function readRecipe(json: unknown, younger?: YoungerOptions): ParsedRecipe {
  return parseRecipe(typeof json === 'string' ? parseText(json) : json, younger);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LorikeetError('recipe.syntax', `The recipe is not JSON: ${(error as Error).message}.`);
  }
}

/** Everything that is wrong with a recipe, in one text; null when nothing is. */
export function recipeProblem(recipe: Recipe): string | null {
  try {
    parseRecipe(recipe);
    return null;
  } catch (error) {
    return toErrorRecord(error).message;
  }
}
