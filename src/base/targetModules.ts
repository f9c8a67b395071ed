// The linears that LoRA may adapt: one list for recipe, adapter files, model and form.

/**
 * The seven linears of a Qwen2.5-VL decoder layer in PEFT's names, in the order of the layer. The order also numbers
 * them in random streams: appending is safe, reordering changes every adapter's start.
 */
export const TARGET_MODULES = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type TargetModule = (typeof TARGET_MODULES)[number];
