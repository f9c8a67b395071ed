// Plans a run without reading weights: what it takes of the GPU it is meant for, and what to change where it does not fit.

import { gpuMemoryBytes } from '../budgets/gpuMemory';
import { LorikeetError } from '../base/errors';
import { cheapestChanges, possibleChanges, type RecipeChange } from '../planner/changes';
import { makePlan, type Plan } from '../planner/plan';
import type { ModelSource, PlanRequest, RunPlan } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { parseRecipe } from '../recipe/recipe';
import type { Reporter } from '../train/control';
import { sourceOf } from './chosenModel';
import { decideBudget, plainStorage } from './decide';
import { prepareRows, prepareSession, withLimits, type Prepared } from './prepare';
import { runFigures } from './runFigures';
import type { TrainingRows } from './rows';

/** A plan has no run to report on. */
const SILENT: Reporter = {
  emit: () => {},
  progress: () => {},
  enter: () => {},
  now: () => 0,
  timed: (_, part) => part(),
};

/** Options that change what rows are encoded to. */
const SHAPES_ROWS = new Set(['max_pixels', 'grpo.max_completion_length']);

/** A request whose model is at hand. */
type OpenRequest = Omit<PlanRequest, 'model'> & { model: ModelSource };

/** Pixels of a patch's side, over the largest picture that the model sees. */
function largestPixels({ pictures }: ReturnType<typeof runFigures>, { model }: Prepared): number {
  return pictures.largestPatches * model.config.vision.patchSize ** 2;
}

function planOf(request: OpenRequest, { model }: Pick<Prepared, 'model'>, recipe: Recipe, rows: TrainingRows): Plan {
  const { config, weights } = model;
  const adapterClass = request.software ? 'software' : 'gpu';
  const info = { adapterClass, limits: request.limits } as const;
  const gpuBytes = gpuMemoryBytes(request.gpuMemoryGb);
  const { decisions, usable } = decideBudget({ config, weights, rows, recipe, info, gpuBytes });
  const figures = runFigures(rows, recipe, request.seed, config.vision.spatialMergeSize);
  const { rates } = request;
  const tables = plainStorage(weights, recipe);
  return makePlan({ config, recipe, decisions, tables, figures, usableBytes: usable, cachedModelBytes: 0, rates });
}

function isAllowed({ recipe }: RecipeChange): boolean {
  try {
    parseRecipe(recipe);
    return true;
  } catch {
    return false;
  }
}

/** A change with its plan; null where no row would fit with it. */
async function tried(request: OpenRequest, prepared: Prepared, change: RecipeChange) {
  const { recipe } = change;
  try {
    const reencodes = SHAPES_ROWS.has(change.option);
    const model = reencodes ? withLimits(prepared.plainModel, recipe) : prepared.model;
    const { rows } = reencodes ? await prepareRows({ ...request, recipe }, model, SILENT) : prepared;
    return { change, plan: planOf(request, { model }, recipe, rows) };
  } catch (error) {
    if (error instanceof LorikeetError) return null;
    throw error;
  }
}

/**
 * Plans a run as it would start now; reads the model's small files and the heads of its weight files.
 * @throws as prepareSession; train.noRows, train.tooFewPrompts
 */
export async function planRun(asked: PlanRequest): Promise<RunPlan> {
  const request = { ...asked, model: await sourceOf(asked.model) };
  const prepared = await prepareSession(request, SILENT);
  const { recipe } = prepared.adapter;
  const plan = planOf(request, prepared, recipe, prepared.rows);
  const { gpuMemoryGb } = request;
  if (plan.fits) return { plan, changes: [], gpuMemoryGb };
  const figures = runFigures(prepared.rows, recipe, request.seed, prepared.model.config.vision.spatialMergeSize);
  // An adapter that a run starts from keeps its shape.
  const possible = possibleChanges(recipe, largestPixels(figures, prepared)).filter(
    (change) => isAllowed(change) && !(request.adapter && change.option.startsWith('lora.')),
  );
  const plans = [];
  for (const change of possible) plans.push(await tried(request, prepared, change));
  const changes = cheapestChanges(
    plan,
    plans.filter((entry) => entry !== null),
  );
  return { plan, changes, gpuMemoryGb };
}
