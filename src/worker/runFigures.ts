// Counts what a run will do, for its plan: steps, and tokens of its passes, from the encoded rows.

import type { Example, ImageRef, Prompt } from '../data/encode';
import { packBins } from '../data/packBins';
import { gridTokenCount } from '../image/smartResize';
import {
  scaled,
  type EvaluationFigures,
  type GenerationFigures,
  type GrpoFigures,
  type PassFigures,
  type PictureFigures,
  type RunFigures,
  type SftFigures,
} from '../planner/figures';
import type { Recipe } from '../recipe/config';
import { sftEpochBatches } from '../train/sampler';
import {
  evaluationsDuring,
  grpoOptimizerSteps,
  rolloutShape,
  sftStepsPerEpoch,
  takesWholeRollouts,
} from '../train/schedule';
import { sftSteps } from '../train/sftLoop';
import { meanStepParts } from './grpoStepParts';
import { stationsOf } from './runProgress';
import { rowPictures } from './rowPictures';
import { encodedOf, type TrainingRows } from './rows';

/** Epochs whose batches are looked at for the largest; more would hardly find a larger one. */
const EPOCHS_SEEN = 8;

const NO_PASS: PassFigures = { tokens: 0, pairs: 0, rows: 0, labels: 0, pictureTokens: 0 };

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

function added(a: PassFigures, b: PassFigures): PassFigures {
  return {
    tokens: a.tokens + b.tokens,
    pairs: a.pairs + b.pairs,
    rows: a.rows + b.rows,
    labels: a.labels + b.labels,
    pictureTokens: a.pictureTokens + b.pictureTokens,
  };
}

function causalPairs(tokens: number): number {
  return (tokens * (tokens + 1)) / 2;
}

function pictureTokensOf({ images }: Pick<Prompt, 'images'>, merge: number): number {
  return sum(images.map(({ grid }) => gridTokenCount(grid, merge)));
}

function exampleFigures(example: Example, merge: number): PassFigures {
  const tokens = example.ids.length;
  const labels = example.labelMask.reduce((a, b) => a + b, 0);
  return { tokens, pairs: causalPairs(tokens), rows: labels, labels, pictureTokens: pictureTokensOf(example, merge) };
}

function sftFigures({ sft }: TrainingRows, recipe: Recipe, seed: number, merge: number): SftFigures | null {
  const options = recipe.sft;
  if (options.max_steps === 0) return null;
  const steps = sftSteps(sft, options);
  const examples = sft.map((example) => exampleFigures(example, merge));
  const bins =
    options.packing && options.max_length !== null
      ? packBins(
          examples.map(({ tokens }) => tokens),
          options.max_length,
        )
      : examples.map((_, i) => [i]);
  const rows = bins.map((bin) => bin.map((i) => examples[i]!).reduce(added, NO_PASS));
  const perEpoch = sftStepsPerEpoch(rows.length, options);
  const epochs = Math.min(EPOCHS_SEEN, Math.ceil(steps / perEpoch));
  let largest = NO_PASS;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of sftEpochBatches(rows.length, options.per_device_train_batch_size, seed, epoch)) {
      const pass = Array.from(batch, (row) => rows[row]!).reduce(added, NO_PASS);
      if (pass.tokens > largest.tokens) largest = pass;
    }
  }
  const batches = Math.ceil(rows.length / options.per_device_train_batch_size);
  const mean = scaled(rows.reduce(added, NO_PASS), 1 / batches);
  return { steps, microBatches: batches / perEpoch, largest, mean };
}

/**
 * A pack of groups: each prompt once, then its completions, which see it and themselves.
 * @param completions of each prompt, on average
 */
function packFigures(prompts: readonly Prompt[], completions: number, length: number, merge: number): PassFigures {
  return prompts.reduce((pass, prompt) => {
    const tokens = prompt.ids.length;
    const labels = completions * length;
    return added(pass, {
      tokens: tokens + labels,
      pairs: causalPairs(tokens) + completions * (tokens * length + causalPairs(length)),
      // The last token of the prompt predicts the first of every completion.
      rows: labels - (completions - 1),
      labels,
      pictureTokens: pictureTokensOf(prompt, merge),
    });
  }, NO_PASS);
}

function generationFigures(
  prompts: readonly Prompt[],
  perPrompt: number,
  { limit, targets }: { limit: number; targets: Targets },
  merge: number,
): GenerationFigures {
  const tokens = prompts.map(({ ids }) => ids.length);
  return {
    prompts: prompts.length,
    sequences: prompts.length * perPrompt,
    promptTokens: sum(tokens),
    longestPrompt: most(tokens),
    pictureTokens: sum(prompts.map((prompt) => pictureTokensOf(prompt, merge))),
    maxNewTokens: limit,
    expectedNewTokens: targets.mean,
    expectedLengths: targets.lengths,
  };
}

/** Whole groups in a pack of whole groups: at most a training batch of completions, but one at least. */
function groupsTogether({ per_device_train_batch_size: batch, num_generations: size }: Recipe['grpo']): number {
  return Math.max(1, Math.floor(batch / size));
}

/**
 * The largest pack of a step with completions at full length. Where a step takes a part of a rollout every completion of
 * the batch may be another prompt's.
 */
function largestPack(longestFirst: readonly Prompt[], options: Recipe['grpo'], merge: number): PassFigures {
  const {
    num_generations: size,
    per_device_train_batch_size: batch,
    gradient_accumulation_steps: accumulation,
    max_completion_length: limit,
  } = options;
  const pack = (prompts: number, completions: number): PassFigures =>
    packFigures(longestFirst.slice(0, prompts), completions / prompts, limit, merge);
  const groups = groupsTogether(options);
  if (takesWholeRollouts(options)) return pack(groups, groups * size);
  const torn = pack(Math.min(batch, rolloutShape(options).prompts), batch);
  const one = pack(1, Math.min(size, batch * accumulation));
  return one.tokens > torn.tokens ? one : torn;
}

function grpoFigures(
  rows: TrainingRows,
  recipe: Recipe,
  { targets, seed }: { targets: Targets; seed: number },
  merge: number,
): GrpoFigures | null {
  const options = recipe.grpo;
  if (options.max_steps === 0) return null;
  const steps = grpoOptimizerSteps(rows.grpo.length, options);
  const shape = rolloutShape(options);
  const { num_generations: size, gradient_accumulation_steps: accumulation, max_completion_length: limit } = options;
  const longestFirst = rows.grpo.map(({ prompt }) => prompt).sort((a, b) => b.ids.length - a.ids.length);
  const step = meanStepParts(rows.grpo.length, options, seed, steps);
  // All prompts of the data, each with as many completions.
  const all = (completions: number): PassFigures => packFigures(longestFirst, completions, targets.mean, merge);
  const largestWhole = packFigures(longestFirst.slice(0, groupsTogether(options)), size, limit, merge);
  return {
    steps,
    rolloutsPerStep: accumulation / shape.microSteps,
    rollout: generationFigures(longestFirst.slice(0, shape.prompts), size, { limit, targets }, merge),
    meanPromptTokens: sum(longestFirst.map(({ ids }) => ids.length)) / longestFirst.length,
    largest: largestPack(longestFirst, options, merge),
    mean: scaled(all(step.completions / step.groups), step.groups / step.packs / longestFirst.length),
    packs: step.packs,
    scorePasses: (options.beta === 0 ? 0 : 1) + (accumulation % shape.microSteps === 0 ? 0 : 1),
    scored: { largest: largestWhole, all: scaled(all(size), shape.prompts / longestFirst.length) },
  };
}

function evaluationFigures(
  { validation }: TrainingRows,
  recipe: Recipe,
  { targets, steps }: { targets: Targets; steps: { sft: number; grpo: number } },
  merge: number,
): EvaluationFigures | null {
  if (validation.length === 0) return null;
  const stations = stationsOf(recipe).filter((stage) => stage !== 'sft' && stage !== 'grpo');
  const duringSft = evaluationsDuring(steps.sft, recipe.sft);
  const duringGrpo = evaluationsDuring(steps.grpo, recipe.grpo);
  const examples = validation.flatMap(({ example }) => (example ? [example] : []));
  const lengths = { limit: recipe.grpo.max_completion_length, targets };
  const prompts = validation.map(({ prompt }) => prompt);
  return {
    count: stations.length + duringSft + duringGrpo,
    inGrpo: duringGrpo > 0,
    generation: generationFigures(prompts, 1 + recipe.eval.samples_per_row, lengths, merge),
    loss: examples.map((example) => exampleFigures(example, merge)).reduce(added, NO_PASS),
    longestRow: most(examples.map(({ ids }) => ids.length)),
  };
}

function pictureFigures(images: readonly ImageRef[]): PictureFigures {
  const patches = images.map(({ grid }) => grid[0] * grid[1] * grid[2]);
  return { count: patches.length, patches: sum(patches), largestPatches: most(patches) };
}

/** What the rows' targets have in tokens, within the limit: completions are expected to become like them. */
interface Targets {
  mean: number;
  /** Of as many equal shares of the targets, the shortest first. */
  lengths: number[];
}

const SHARES = 16;

function targetsOf({ sft, validation }: TrainingRows, limit: number): Targets {
  const examples = sft.length > 0 ? sft : validation.flatMap(({ example }) => (example ? [example] : []));
  if (examples.length === 0) return { mean: limit, lengths: [limit] };
  const own = examples.map(({ ids, promptLength }) => Math.min(limit, ids.length - promptLength)).sort((a, b) => a - b);
  // The middle of each share.
  const lengths = Array.from({ length: SHARES }, (_, i) => own[Math.floor(((i + 0.5) / SHARES) * own.length)]!);
  return { mean: sum(own) / own.length, lengths };
}

/**
 * The figures of a run.
 * @param merge patches per side that become one token @throws train.noRows, train.tooFewPrompts
 */
export function runFigures(rows: TrainingRows, recipe: Recipe, seed: number, merge: number): RunFigures {
  const targets = targetsOf(rows, recipe.grpo.max_completion_length);
  const sft = sftFigures(rows, recipe, seed, merge);
  const grpo = grpoFigures(rows, recipe, { targets, seed }, merge);
  const steps = { sft: sft?.steps ?? 0, grpo: grpo?.steps ?? 0 };
  return {
    sft,
    grpo,
    evaluation: evaluationFigures(rows, recipe, { targets, steps }, merge),
    pictures: pictureFigures(rowPictures(rows, recipe)),
    encodedTokens: sum(encodedOf(rows).map(({ ids }) => ids.length)),
  };
}
