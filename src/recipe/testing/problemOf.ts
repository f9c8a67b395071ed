// For tests: what a recipe is refused with.

import { toErrorRecord } from '../../base/errors';
import { parseRecipe } from '../recipe';

/** The error that reading this recipe ends with. @throws when it is accepted */
export function problemOf(json: unknown): { code: string; message: string } {
  try {
    parseRecipe(json);
  } catch (error) {
    return toErrorRecord(error);
  }
  throw new Error('the recipe was accepted');
}
