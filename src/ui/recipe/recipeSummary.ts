// The few figures of a recipe that are worth seeing without unfolding it.

import type { OptimizerOptions, Recipe } from '../../recipe/config';
import { significant } from '../format';
import { rewardsOf } from './rewards';

export interface SummaryLine {
  name: string;
  value: string;
  /** The options' names in TRL, for the tooltip. */
  option: string;
}

function steps(stage: OptimizerOptions): string {
  if (stage.max_steps >= 0) return String(stage.max_steps);
  return `${stage.num_train_epochs} ${stage.num_train_epochs === 1 ? 'epoch' : 'epochs'}`;
}

/** SFT's lines. */
export function sftSummary({ sft }: Recipe): SummaryLine[] {
  return [
    { name: 'Steps', value: steps(sft), option: 'max_steps, num_train_epochs' },
    {
      name: 'Rows a step',
      value: `${sft.per_device_train_batch_size} × ${sft.gradient_accumulation_steps}`,
      option: 'per_device_train_batch_size × gradient_accumulation_steps',
    },
    {
      name: 'Learning rate',
      value: `${significant(sft.learning_rate)}, ${sft.lr_scheduler_type.replaceAll('_', ' ')}`,
      option: 'learning_rate, lr_scheduler_type',
    },
    {
      name: 'Loss on',
      value: sft.completion_only_loss ? 'completion' : 'full text',
      option: 'completion_only_loss',
    },
  ];
}

function promptsText({ grpo }: Recipe): string {
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation, num_generations: size } = grpo;
  const completions = grpo.generation_batch_size ?? batch * (grpo.steps_per_generation ?? accumulation);
  return `${Number((completions / size).toFixed(2))} × ${size}`;
}

/** GRPO's lines. */
export function grpoSummary(recipe: Recipe): SummaryLine[] {
  const { grpo } = recipe;
  return [
    { name: 'Steps', value: steps(grpo), option: 'max_steps, num_train_epochs' },
    {
      name: 'Prompts × completions',
      value: promptsText(recipe),
      option: 'generation batch / num_generations × num_generations',
    },
    {
      name: 'Learning rate, beta',
      value: `${significant(grpo.learning_rate)}, ${grpo.beta}`,
      option: 'learning_rate, beta',
    },
    {
      name: 'Loss',
      value: grpo.loss_type,
      option: 'loss_type',
    },
    {
      name: 'Rewards',
      value: rewardsOf(recipe)
        .map(({ name, weight }) => `${name} ${Number.isInteger(weight * 10) ? weight.toFixed(1) : significant(weight)}`)
        .join(', '),
      option: 'reward_funcs, reward_weights',
    },
  ];
}
