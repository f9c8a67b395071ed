// The work of a run: operations by phase.

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

function evaluationWork(input: WorkInput): PhaseWork[] {
  const { config, recipe, figures } = input;
  const { evaluation } = figures;
  if (!evaluation) return [];
  const { passes, decode } = generated(input, evaluation.generation);
  const loss = forwardFlops(config, recipe.lora, evaluation.loss);
  return [{ phase: 'evaluate', unit: 'evaluation', count: evaluation.count, flops: { passes: passes + loss, decode } }];
}

function grpoWork(input: WorkInput): PhaseWork[] {
  const { config, recipe, decisions, figures } = input;
  const { grpo } = figures;
  if (!grpo) return [];
  const { steps, rolloutsPerStep, mean, packs, scorePasses } = grpo;
  const rollout = generated(input, grpo.rollout);
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
    },
    { phase: 'grpo', unit: 'step', count: steps, flops: { passes: train + first + update, decode: 0 } },
  ];
}

/** The run's phases that compute, in order. */
export function workOf(input: WorkInput): PhaseWork[] {
  const { config, recipe, decisions, figures } = input;
  const { sft, pictures } = figures;
  const out: PhaseWork[] = [];
  if (pictures.count > 0) {
    const passes = towerFlops(config, pictures) / pictures.count;
    out.push({ phase: 'encode', unit: 'picture', count: pictures.count, flops: { passes, decode: 0 } });
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
    });
  }
  out.push(...grpoWork(input));
  return out;
}
