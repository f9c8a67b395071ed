// Options of PEFT, transformers and TRL that a recipe does not have: what becomes of each when one is given. Tables
// only. Every field of LoraConfig, SFTConfig and GRPOConfig is either a rule (recipeRules), rewritten
// (libraryForms), or stands here.

import { choice } from './rule';
import type { Rule } from './rule';
import type { Section } from './recipeRules';

/** Accepted where it asks for what happens anyway, refused with the reason otherwise, never stored. */
export interface FixedOption {
  rule: Rule;
  why: string;
}

function only(why: string, ...values: readonly unknown[]): FixedOption {
  return { rule: choice(...values), why };
}

/** Why options have no effect here; the key names the group. */
export const IGNORED_REASONS = {
  files: 'results stay in the browser until they are downloaded',
  logging: 'every step is logged',
  data: 'the data are read by the page',
  rows: 'rows are drawn in a new random order in each epoch, and never cut',
  precision: 'training computes in float32',
  memory: 'it changes memory and speed, not results',
  device: 'one GPU trains',
  generation: 'the page generates with the kernels that it trains with',
  evaluation: 'validation has its own section, eval',
  checkpoints: 'a checkpoint always holds all state',
  code: 'no foreign code is run',
  inactive: 'it only acts with an option that is refused',
} as const;
export type IgnoredReason = keyof typeof IGNORED_REASONS;

const NO_INITIALISATION = 'adapters start as init_lora_weights says';
const NO_NETWORK = 'the page sends nothing anywhere';
const NO_SCHEDULE = 'the schedules have no further settings';

const loraFixed: Record<string, FixedOption> = {
  task_type: only('the model is a causal language model', 'CAUSAL_LM', null),
  peft_type: only('the adapter is LoRA', 'LORA', null),
  bias: only('biases are not trained', 'none'),
  lora_bias: only('adapters have no biases', false),
  modules_to_save: only('only LoRA matrices are trained', null, []),
  trainable_token_indices: only('only LoRA matrices are trained', null, []),
  target_parameters: only('adapters are put on linears', null, []),
  layers_to_transform: only('all layers get the adapter', null, []),
  layers_pattern: only('all layers get the adapter', null, []),
  layer_replication: only('layers are not repeated', null, []),
  rank_pattern: only('all linears have one rank', {}, null),
  alpha_pattern: only('all linears have one lora_alpha', {}, null),
  fan_in_fan_out: only('the weights of these linears are not transposed', false),
  use_dora: only('DoRA is not built in', false),
  use_qalora: only('QA-LoRA is not built in', false),
  use_bdlora: only('BD-LoRA is not built in', null),
  velora_config: only('VeLoRA is not built in', null),
  monteclora_config: only('MonteCLoRA is not built in', null),
  arrow_config: only('Arrow is not built in', null),
  kasa_config: only('KaSA is not built in', null),
  alora_invocation_tokens: only('activated LoRA is not built in', null, []),
  loftq_config: only(NO_INITIALISATION, {}, null),
  eva_config: only(NO_INITIALISATION, null),
  corda_config: only(NO_INITIALISATION, null),
  lora_ga_config: only(NO_INITIALISATION, null),
};

const loraIgnored: Record<string, IgnoredReason> = {
  auto_mapping: 'code',
  peft_version: 'files',
  base_model_name_or_path: 'files',
  revision: 'files',
  inference_mode: 'files',
  ensure_weight_tying: 'inactive',
  qalora_group_size: 'inactive',
  megatron_config: 'device',
  megatron_core: 'device',
  runtime_config: 'memory',
};

/** transformers' TrainingArguments, of both stages; the last lines are names of older versions. */
const trainerFixed: Record<string, FixedOption> = {
  optim: only('the optimizer is AdamW', 'adamw_torch', 'adamw_torch_fused'),
  optim_args: only('AdamW is set by adam_beta1, adam_beta2, adam_epsilon, weight_decay', null),
  optim_target_modules: only('AdamW updates the whole adapter', null),
  lr_scheduler_kwargs: only(NO_SCHEDULE, null, {}),
  label_smoothing_factor: only('labels are not smoothed', 0),
  neftune_noise_alpha: only('embeddings get no noise', null),
  auto_find_batch_size: only('a smaller batch would be another training', false),
  dataloader_drop_last: only('SFT keeps its last batch; GRPO drops what fills no rollout anyway', false),
  train_sampling_strategy: only('rows are drawn in random order', 'random'),
  group_by_length: only('rows are drawn in random order', false),
  data_seed: only('one seed draws everything', null),
  eval_delay: only('evaluations begin with the first step', 0),
  ignore_data_skip: only('a resumed run goes on with the rows that it has not seen', false),
  resume_from_checkpoint: only('runs are resumed from the list of runs, or by --resume', null, false),
  push_to_hub: only(NO_NETWORK, false),
  router_aux_loss_coef: only('the model has no experts', null, 0),
  model_init_kwargs: only('the model is read as its folder has it', null, {}),
};

const trainerGroups: Partial<Record<IgnoredReason, string>> = {
  files:
    'output_dir overwrite_output_dir run_name project hub_token hub_private_repo hub_model_id hub_strategy ' +
    'hub_always_push hub_revision save_on_each_node save_safetensors trackio_space_id trackio_bucket_id ' +
    'trackio_static_space_id',
  logging:
    'logging_dir logging_strategy logging_first_step logging_steps log_on_each_node logging_nan_inf_filter ' +
    'include_num_input_tokens_seen include_tokens_per_second log_level log_level_replica disable_tqdm report_to debug ' +
    'skip_memory_metrics',
  data:
    'remove_unused_columns label_names length_column_name dataset_num_proc dataset_text_field dataset_kwargs ' +
    'dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers dataloader_prefetch_factor ' +
    'dataloader_multiprocessing_context dataloader_in_order do_train do_eval do_predict',
  precision: 'bf16 fp16 bf16_full_eval fp16_full_eval tf32 half_precision_backend cast_lm_head_to_fp32',
  memory:
    'activation_checkpointing_kwargs gradient_checkpointing_kwargs activation_offloading torch_compile ' +
    'torch_compile_backend torch_compile_mode use_liger_kernel liger_kernel_config use_liger_loss use_cache ' +
    'torch_empty_cache_steps pad_to_multiple_of',
  device:
    'average_tokens_across_devices ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers ' +
    'ddp_static_graph ddp_backend ddp_timeout fsdp fsdp_config deepspeed local_rank accelerator_config ' +
    'parallelism_config use_cpu full_determinism',
  evaluation:
    'per_device_eval_batch_size prediction_loss_only eval_on_start eval_do_concat_batches eval_use_gather_object ' +
    'eval_accumulation_steps include_for_metrics batch_eval_metrics',
  checkpoints: 'save_only_model enable_jit_checkpoint restore_callback_states_from_checkpoint',
  code: 'trust_remote_code',
};

const sftFixed: Record<string, FixedOption> = {
  loss_type: only('the loss is the cross entropy', 'nll', 'chunked_nll'),
  assistant_only_loss: only('completion_only_loss says which text is learned', false),
  packing_strategy: only('packs are filled by best fit, longest first, and nothing is cut', 'bfd'),
  eval_packing: only('validation rows are not packed', null, false),
  chat_template_path: only("the model's own chat template is used", null),
  eos_token: only("the tokenizer's end token is used", null),
  pad_token: only("the tokenizer's padding token is used", null),
};

const sftGroups: Partial<Record<IgnoredReason, string>> = {
  rows: 'shuffle_dataset truncation_mode',
  memory: 'padding_free',
};

const grpoFixed: Record<string, FixedOption> = {
  generation_kwargs: only('sampling is set by temperature, top_k, top_p, min_p, repetition_penalty', null, {}),
  chat_template_kwargs: only("the model's own chat template is used", null, {}),
  vllm_structured_outputs_regex: only('completions are not forced into a form', null),
  sync_ref_model: only('the reference does not move; TRL refuses this with an adapter as well', false),
  use_adaptive_entropy: only('entropy_coef stays as given', false),
  off_policy_mask_threshold: only('no sequence is masked for being off-policy', null),
  max_tool_calling_iterations: only('the model calls no tools', null),
  log_completions_hub_repo: only(NO_NETWORK, null),
};

const grpoGroups: Partial<Record<IgnoredReason, string>> = {
  logging: 'log_completions log_multimodal num_completions_to_print log_unique_prompts',
  generation:
    'use_vllm vllm_mode vllm_model_impl vllm_enable_sleep_mode vllm_server_base_url vllm_server_host ' +
    'vllm_server_port vllm_server_timeout vllm_group_port vllm_gpu_memory_utilization vllm_max_model_length ' +
    'vllm_tensor_parallel_size vllm_importance_sampling_correction vllm_importance_sampling_mode ' +
    'vllm_importance_sampling_clip_max vllm_importance_sampling_clip_min vllm_importance_sampling_cap ' +
    'use_transformers_continuous_batching transformers_continuous_batching_config use_transformers_paged ' +
    'cache_implementation ds3_gather_for_generation',
  inactive:
    'ref_model_mixup_alpha ref_model_sync_steps entropy_coef_min entropy_coef_max entropy_coef_delta entropy_target',
};

function byName(...tables: Partial<Record<IgnoredReason, string>>[]): Record<string, IgnoredReason> {
  const entries = tables.flatMap((table) =>
    Object.entries(table).flatMap(([reason, names]) => names.split(' ').map((name) => [name, reason as IgnoredReason])),
  );
  return Object.fromEntries(entries) as Record<string, IgnoredReason>;
}

/** Library options with one setting, by section. */
export const FIXED_OPTIONS: Record<Section, Record<string, FixedOption>> = {
  lora: loraFixed,
  sft: { ...trainerFixed, ...sftFixed },
  grpo: { ...trainerFixed, ...grpoFixed },
  eval: {},
};

/** Library options without effect here, by section: any value is accepted, and a note says so. */
export const IGNORED_OPTIONS: Record<Section, Record<string, IgnoredReason>> = {
  lora: loraIgnored,
  sft: byName(trainerGroups, sftGroups),
  grpo: byName(trainerGroups, grpoGroups),
  eval: {},
};
