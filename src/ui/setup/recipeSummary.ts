// The few figures of a recipe that are worth seeing without unfolding it.

import type { OptimizerOptions, Recipe } from '../../train/config';
import { significant } from '../format';

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

/** GRPO's lines. */
export function grpoSummary({ grpo }: Recipe): SummaryLine[] {
  const completions = grpo.per_device_train_batch_size * grpo.gradient_accumulation_steps;
  const [semantic, format] = grpo.reward_weights;
  return [
    { name: 'Steps', value: steps(grpo), option: 'max_steps, num_train_epochs' },
    {
      name: 'Prompts × completions',
      value: `${Number((completions / grpo.num_generations).toFixed(2))} × ${grpo.num_generations}`,
      option: 'per_device_train_batch_size × gradient_accumulation_steps / num_generations × num_generations',
    },
    {
      name: 'Learning rate, beta',
      value: `${significant(grpo.learning_rate)}, ${grpo.beta}`,
      option: 'learning_rate, beta',
    },
    {
      name: 'Rewards',
      value: `semantic ${semantic.toFixed(1)}, format ${format.toFixed(1)}`,
      option: 'reward_weights',
    },
  ];
}
