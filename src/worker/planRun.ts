// Plans a run without loading weights: what it takes of the GPU it is meant for, and what to change where it does not fit.

import { gpuMemoryBytes } from '../budgets/gpuMemory';
import { LorikeetError } from '../base/errors';
import { cheapestChanges, possibleChanges, type RecipeChange } from '../planner/changes';
import type { RunFigures } from '../planner/figures';
import { makePlan, type Plan } from '../planner/plan';
import type { ModelSource, PlanRequest, RunPlan } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { withOptions } from '../recipe/optionValues';
import { parseRecipe } from '../recipe/recipe';
import type { Reporter } from '../train/control';
import { sourceOf } from './chosenModel';
import { decideBudget, plainStorage } from './decide';
import { prepareRows, prepareSession, withLimits, type Prepared } from './prepare';
import { newestOnly } from './newestOnly';
import { runFigures } from './runFigures';
import type { TrainingRows } from './rows';
import { rememberHead, type FindHead } from './tiedHead';

/** A plan has no run to report on; where one would report progress, `goOn` may end it. */
function silent(goOn: () => void): Reporter {
  return { emit: () => {}, progress: goOn, enter: () => {}, now: () => 0, timed: (_, part) => part() };
}

/** What a plan is made with. */
interface Planning {
  findHead: FindHead;
  /** Throws once the plan is not wanted any more. */
  goOn(): void;
}

/** Options that change what rows are encoded to. */
const SHAPES_ROWS = new Set(['max_pixels', 'grpo.max_completion_length']);

/** A request whose model is at hand. */
type OpenRequest = Omit<PlanRequest, 'model'> & { model: ModelSource };

/** Pixels of a patch's side, over the largest picture that the model sees. */
function largestPixels({ pictures }: RunFigures, { model }: Prepared): number {
  return pictures.largestPatches * model.config.vision.patchSize ** 2;
}

function planOf(
  request: OpenRequest,
  { model }: Pick<Prepared, 'model'>,
  recipe: Recipe,
  rows: TrainingRows,
): { plan: Plan; figures: RunFigures } {
  const { config, weights } = model;
  const adapterClass = request.software ? 'software' : 'gpu';
  const info = { adapterClass, limits: request.limits } as const;
  const gpuBytes = gpuMemoryBytes(request.gpuMemoryGb);
  const { decisions, usable } = decideBudget({ config, weights, rows, recipe, info, gpuBytes });
  const figures = runFigures(rows, recipe, request.seed, config.vision.spatialMergeSize);
  const tables = plainStorage(weights, recipe);
  // Weights of another type are read and computed with at another rate.
  const rates = request.measured.findLast(({ storage }) => storage === decisions.storage)?.rates;
  const known = { config, recipe, decisions, tables, figures, rates };
  return { plan: makePlan({ ...known, usableBytes: usable, cachedModelBytes: 0 }), figures };
}

function isAllowed(recipe: Recipe): boolean {
  try {
    parseRecipe(recipe);
    return true;
  } catch {
    return false;
  }
}

/** A change with its plan; null where no row would fit with it. @throws what `goOn` throws */
async function tried(request: OpenRequest, prepared: Prepared, change: RecipeChange, goOn: () => void) {
  goOn();
  const recipe = withOptions(prepared.adapter.recipe, change.set);
  try {
    const reencodes = change.set.some(({ option }) => SHAPES_ROWS.has(option));
    const model = reencodes ? withLimits(prepared.plainModel, recipe) : prepared.model;
    const { rows } = reencodes ? await prepareRows({ ...request, recipe }, model, silent(goOn)) : prepared;
    return { change, plan: planOf(request, { model }, recipe, rows).plan };
  } catch (error) {
    if (error instanceof LorikeetError) return null;
    throw error;
  }
}

async function planRun(asked: PlanRequest, { findHead, goOn }: Planning): Promise<RunPlan> {
  const request = { ...asked, model: await sourceOf(asked.model) };
  const prepared = await prepareSession(request, silent(goOn), findHead);
  const { recipe } = prepared.adapter;
  const { plan, figures } = planOf(request, prepared, recipe, prepared.rows);
  const { gpuMemoryGb } = request;
  if (plan.fits) return { plan, changes: [], gpuMemoryGb };
  // An adapter that a run starts from keeps its shape.
  const possible = possibleChanges(recipe, largestPixels(figures, prepared)).filter(
    ({ set }) =>
      isAllowed(withOptions(recipe, set)) && !(request.adapter && set.some(({ option }) => option.startsWith('lora.'))),
  );
  const plans = [];
  for (const change of possible) plans.push(await tried(request, prepared, change, goOn));
  const changes = cheapestChanges(
    plan,
    plans.filter((entry) => entry !== null),
  );
  return { plan, changes, gpuMemoryGb };
}

/**
 * Makes the function that plans runs as they would start now. It reads a model's small files and the heads of its weight
 * files; a head beside a tied embedding is compared with it once, not for every plan. A plan that a newer one overtakes
 * ends, and both come to the newer one's.
 * @throws (from the function) as prepareSession; train.noRows, train.tooFewPrompts
 */
export function createPlanner(): (asked: PlanRequest) => Promise<RunPlan> {
  const findHead = rememberHead();
  return newestOnly((asked, goOn) => planRun(asked, { findHead, goOn }));
}
