// What the page calls the phases of a plan.

import type { Phase } from '../../planner/gpuPhases';

export const PHASES: Record<Phase, string> = {
  load: 'Loading',
  encode: 'Pictures',
  evaluate: 'Evaluation',
  sft: 'SFT step',
  rollout: 'GRPO rollout',
  grpo: 'GRPO step',
  checkpoint: 'Checkpoint',
};
