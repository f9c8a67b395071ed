// A TRL run's options as our recipe. The names are the same, so values pass over by name.

import { defaultRecipe } from '../../recipe/defaultRecipe';
import { parseRecipe } from '../../recipe/recipe';
import type { Recipe } from '../../recipe/config';
import type { TrlRun } from './trlFolder';

/** TRL fills in both of two options that exclude each other; we give `steps_per_generation`. */
const DERIVED = ['generation_batch_size'];

/** TRL's values of the options that we have, defaults included, so that a default of ours cannot hide a difference. */
function sharedOptions(run: TrlRun): Record<string, unknown> {
  const own: Record<string, unknown> = { ...defaultRecipe[run.stage] };
  const shared = Object.keys(own).filter((name) => name in run.resolved && !DERIVED.includes(name));
  // null where we always have a value asks for nothing (evaluation, saving).
  return Object.fromEntries(
    shared
      .filter((name) => run.resolved[name] !== null || own[name] === null)
      .map((name) => [name, run.resolved[name]]),
  );
}

/**
 * The recipe that should do what the run did.
 * @throws recipe.* when an option of TRL's is refused
 */
export function recipeOfRun(run: TrlRun): Recipe {
  const options = sharedOptions(run);
  const { system_prompt, target_template, lora } = run;
  // The rewards are given to the loop directly; the recipe only counts them.
  const stage = run.stage === 'sft' ? options : { ...options, reward_funcs: ['format', 'exact_match', 'length'] };
  return parseRecipe({ system_prompt, target_template, lora, [run.stage]: stage }).recipe;
}
