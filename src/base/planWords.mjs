// What page and terminal call the phases of a plan and the parts of a dry run.

export const PHASE_NAMES = {
  load: 'Loading',
  encode: 'Pictures',
  evaluate: 'Evaluation',
  sft: 'SFT step',
  rollout: 'GRPO rollout',
  grpo: 'GRPO step',
  checkpoint: 'Checkpoint',
};

export const MEASURED_NAMES = {
  load: 'loading the model',
  encode: 'pictures',
  generate: 'decode steps',
  evaluate: 'an evaluation',
  sft: 'an SFT step',
  grpo: 'a GRPO step',
};
