/** By `Phase` of src/planner/gpuPhases.ts. */
export const PHASE_NAMES: Record<'load' | 'encode' | 'evaluate' | 'sft' | 'rollout' | 'grpo' | 'checkpoint', string>;
/** By `MeasuredPart` of src/protocol/messages.ts. */
export const MEASURED_NAMES: Record<'load' | 'encode' | 'generate' | 'evaluate' | 'sft' | 'grpo', string>;
