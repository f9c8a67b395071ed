// The work of a run: operations and completions by phase.

import type { Decisions } from '../budgets/decisions';
import type { ModelConfig } from '../model/config';
import type { Recipe } from '../recipe/config';
import type { GenerationFigures, RunFigures } from './figures';
import { forwardFlops, generationFlops, towerFlops, trainingFlops, updateFlops } from './flops';
import { adapterNumbers, widthsOf } from './widths';

/** Operations of one of a phase's units, and how many units the run has. */
export interface PhaseWork {
  phase: 'encode' | 'evaluate' | 'sft' | 'rollout' | 'grpo';
  /** `picture`, `evaluation`, `step`. */
  unit: string;
  count: number;
  /** Of one unit, by what limits them: passes of many rows, and decoding, which reads all weights for few rows. */
  flops: { passes: number; decode: number };
  /** What a unit generates; null where it generates nothing. */
  generation: GenerationWork | null;
}

/** Completions that are decoded chunk after chunk. */
export interface GenerationWork {
  /** Chunks of so many sequences that decode together. */
  chunks: { count: number; sequences: number }[];
  /** Completions of all chunks. */
  completions: number;
  maxNewTokens: number;
  /** Lengths that as many completions each are expected to have, the shortest first. */
  expectedLengths: number[];
}

interface WorkInput {
  config: ModelConfig;
  recipe: Recipe;
  decisions: Decisions;
  figures: RunFigures;
}

function generated({ config, recipe }: WorkInput, generation: GenerationFigures): PhaseWork['flops'] {
  const { prefill, decode } = generationFlops(config, recipe.lora, generation, generation.expectedNewTokens);
  return { passes: prefill, decode };
}

/**
 * Chunks of prompts, whole with all their completions: as many as the key-value cache has rows for (each prompt once, each
 * completion at full length), and as many sequences as decode together.
 * @param first prompts of the first chunk at most
 */
function chunksOf(
  { decisions }: WorkInput,
  { prompts, sequences, promptTokens, maxNewTokens }: GenerationFigures,
  first = Infinity,
): GenerationWork['chunks'] {
  if (prompts === 0) return [];
  const perPrompt = sequences / prompts;
  const rows = promptTokens / prompts + perPrompt * maxNewTokens;
  const byMemory = Math.min(decisions.cacheRows / rows, decisions.sequencesTogether / perPrompt);
  // What has no room with all completions of one prompt is cut there.
  const most = byMemory < 1 ? byMemory : Math.floor(byMemory);
  const chunks: GenerationWork['chunks'] = [];
  const add = (left: number, together: number, limit: number): number => {
    const count = Math.min(limit, Math.floor(left / together + 1e-9));
    if (count > 0) chunks.push({ count, sequences: together * perPrompt });
    return left - count * together;
  };
  const rest = first < most && first < prompts ? add(prompts, first, 1) : prompts;
  const last = add(rest, most, Infinity);
  if (last > 1e-9) add(last, last, 1);
  return chunks;
}

function generationWork(
  input: WorkInput,
  generation: GenerationFigures,
  { times = 1, first }: { times?: number; first?: number } = {},
): GenerationWork {
  const { sequences, maxNewTokens, expectedLengths } = generation;
  const chunks = chunksOf(input, generation, first).map((chunk) => ({ ...chunk, count: chunk.count * times }));
  return { chunks, completions: sequences * times, maxNewTokens, expectedLengths };
}

/** An evaluation shows something soon: its first chunk has few rows. */
const FIRST_ROWS = 12;

function evaluationWork(input: WorkInput): PhaseWork[] {
  const { config, recipe, figures } = input;
  const { evaluation } = figures;
  if (!evaluation) return [];
  const { passes, decode } = generated(input, evaluation.generation);
  const loss = forwardFlops(config, recipe.lora, evaluation.loss);
  const generation = generationWork(input, evaluation.generation, { first: FIRST_ROWS });
  const flops = { passes: passes + loss, decode };
  return [{ phase: 'evaluate', unit: 'evaluation', count: evaluation.count, flops, generation }];
}

function grpoWork(input: WorkInput): PhaseWork[] {
  const { config, recipe, decisions, figures } = input;
  const { grpo } = figures;
  if (!grpo) return [];
  const { steps, rolloutsPerStep, mean, packs, scorePasses } = grpo;
  // Rollouts take all prompts in turn, not the longest alone.
  const promptTokens = grpo.rollout.prompts * grpo.meanPromptTokens;
  const rollout = generated(input, { ...grpo.rollout, promptTokens });
  const score = forwardFlops(config, recipe.lora, mean);
  // With several packs each is scored first, and run again once all coefficients are known.
  const first = packs > 1 ? packs * score : 0;
  const kept = decisions.grpo.keptLayers;
  const train = packs * trainingFlops(config, recipe.lora, mean, { keptLayers: kept, headPasses: 3 });
  const update = updateFlops(adapterNumbers(widthsOf(config), recipe.lora));
  const scored = rolloutsPerStep * scorePasses * forwardFlops(config, recipe.lora, grpo.scored.all);
  return [
    {
      phase: 'rollout',
      unit: 'step',
      count: steps,
      flops: { passes: rolloutsPerStep * rollout.passes + scored, decode: rolloutsPerStep * rollout.decode },
      generation: generationWork(input, grpo.rollout, { times: rolloutsPerStep }),
    },
    {
      phase: 'grpo',
      unit: 'step',
      count: steps,
      flops: { passes: train + first + update, decode: 0 },
      generation: null,
    },
  ];
}

/** The run's phases that compute, in order. */
export function workOf(input: WorkInput): PhaseWork[] {
  const { config, recipe, decisions, figures } = input;
  const { sft, pictures } = figures;
  const out: PhaseWork[] = [];
  if (pictures.count > 0) {
    const passes = towerFlops(config, pictures) / pictures.count;
    out.push({
      phase: 'encode',
      unit: 'picture',
      count: pictures.count,
      flops: { passes, decode: 0 },
      generation: null,
    });
  }
  out.push(...evaluationWork(input));
  if (sft) {
    const { keptLayers } = decisions.sft;
    const pass = trainingFlops(config, recipe.lora, sft.mean, { keptLayers, headPasses: 2 });
    const update = updateFlops(adapterNumbers(widthsOf(config), recipe.lora));
    out.push({
      phase: 'sft',
      unit: 'step',
      count: sft.steps,
      flops: { passes: sft.microBatches * pass + update, decode: 0 },
      generation: null,
    });
  }
  out.push(...grpoWork(input));
  return out;
}
