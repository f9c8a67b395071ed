// A dry run of the demo's model in short, for tests in the browser.

import type { MeasuredPart } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { presets } from '../../recipe/presets';
import type { DryRunEnvironment } from '../dryRun';
import { DEAF_ENCODER } from './demoRuns';

const { sft, grpo } = presets.demo;

/** Both stages, in small batches. */
export const DRY_RECIPE: Recipe = {
  ...presets.demo,
  sft: { ...sft, per_device_train_batch_size: 2 },
  grpo: { ...grpo, num_generations: 2, per_device_train_batch_size: 4, max_completion_length: 8 },
  eval: { rows: 1, samples_per_row: 1, temperature: 1 },
};

/** An environment that notes in `parts` what is measured, each once. */
export function notingEnvironment(parts: MeasuredPart[]): DryRunEnvironment {
  return {
    encoder: DEAF_ENCODER,
    isStopped: () => false,
    show: (part) => void (parts.at(-1) !== part && parts.push(part)),
    notice: () => undefined,
  };
}
