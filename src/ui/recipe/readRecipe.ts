// Recipes from JSON, and what is wrong with one that is being edited.

import { LorikeetError, toErrorRecord, type ErrorRecord } from '../../base/errors';
import type { Recipe } from '../../recipe/config';
import { parseRecipe, type ParsedRecipe, type YoungerOptions } from '../../recipe/recipe';
import { jsonFileText } from '../../base/textBytes.mjs';

/** Reads a recipe from JSON text or from the parsed value. Errors: recipe.syntax, and those of parseRecipe. */
export function readRecipe(json: unknown, younger?: YoungerOptions): ParsedRecipe {
  return parseRecipe(typeof json === 'string' ? parseText(json) : json, younger);
}

/** Reads a recipe's file. Errors: recipe.encoding when it is not UTF-8, and those of readRecipe. */
export async function readRecipeFile(file: Blob): Promise<ParsedRecipe> {
  const read = jsonFileText(new Uint8Array(await file.arrayBuffer()));
  if ('problem' in read) throw new LorikeetError('recipe.encoding', `The recipe cannot be read: ${read.problem}.`);
  return readRecipe(read.text);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LorikeetError('recipe.syntax', `The recipe is not JSON: ${(error as Error).message}.`);
  }
}

/** Everything that is wrong with a recipe, in one error; null when nothing is. */
export function recipeProblem(recipe: Recipe): ErrorRecord | null {
  try {
    parseRecipe(recipe);
    return null;
  } catch (error) {
    return toErrorRecord(error);
  }
}
