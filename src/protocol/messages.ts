// What the page and its three workers say to each other: one typed union per direction.
// Every RunEvent that is not transient is appended to the run's log before the page shows it.

import type { DatasetInfo, DatasetRow, ImportProblem, InputFile } from '../base/dataset';
import type { ErrorRecord } from '../base/errors';
import type { CompletionScores } from '../eval/scorers';
import type { ChangeEffect } from '../planner/changes';
import type { Plan } from '../planner/plan';
import type { MeasuredRates } from '../planner/seconds';
import type { Recipe } from '../recipe/config';

export type { DatasetInfo, ImportProblem, InputFile, MeasuredRates };

export type RunState = 'idle' | 'loading' | 'running' | 'pausing' | 'paused' | 'stopping' | 'finished' | 'failed';

/** The five stations of a run, in order. */
export const STAGES = ['before', 'sft', 'after_sft', 'grpo', 'after_grpo'] as const;
export type Stage = (typeof STAGES)[number];

export type Phase =
  | 'load' // weights, tokenizer, reward encoder
  | 'encode' // tokens and picture features
  | 'generate'
  | 'score'
  | 'backward' // forward and backward of the loss
  | 'update'
  | 'evaluate' // validation loss
  | 'save';

/** Where model files come from. A folder's files are given by name, as in a Hugging Face repository. */
export type ModelSource =
  | { kind: 'bundled'; url: string }
  /** `name`: the folder's. `hubId`: what the hub calls the model, where the files are from there. */
  | { kind: 'files'; name: string; files: Record<string, Blob>; hubId?: string };

/** What a user chose as the model: files, or one that this browser has stored from the hub. */
export type ModelChoice =
  | ModelSource
  /** `key`: in the store of models. `id`: what the hub calls it. */
  | { kind: 'stored'; key: string; id: string };

export interface StartRequest {
  type: 'start';
  runId: string;
  recipe: Recipe;
  seed: number;
  datasetId: string;
  model: ModelChoice;
  /** GPU memory that the user says there is, in GB. */
  gpuMemoryGb: number;
  /** Keep a copy of a base in 4 bits for faster starts; left out: no. */
  keepCopy?: boolean;
  /** A PEFT adapter to start from; its r, lora_alpha, target_modules and use_rslora replace the recipe's. */
  adapter?: AdapterSource;
}

/** The two files of a PEFT adapter. */
export interface AdapterSource {
  name: string;
  /** Text of adapter_config.json. */
  config: string;
  /** adapter_model.safetensors */
  weights: Blob;
}

/** Goes on with a stored run from its newest sound checkpoint. */
export interface ContinueRequest {
  type: 'continue';
  runId: string;
  /** The base model again: a picked folder does not outlive the page. */
  model: ModelChoice;
  /** GPU memory that the user says there is, in GB: a run without a checkpoint decides anew. */
  gpuMemoryGb: number;
  /** As in `StartRequest`. */
  keepCopy?: boolean;
  /** A mended copy of the run's recipe; only its user rewards may differ. Left out: the checkpoint's. */
  recipe?: Recipe;
}

/** Asks for a dry run of what a run would be started with; it leaves nothing but times. */
export interface MeasureRequest extends Omit<StartRequest, 'type' | 'runId'> {
  type: 'measure';
  id: number;
}

/** What a dry run is at, in its order. */
export type MeasuredPart = 'load' | 'encode' | 'generate' | 'evaluate' | 'sft' | 'grpo';

/** Page -> trainer worker. */
export type TrainerRequest =
  | StartRequest
  | ContinueRequest
  /** Answered by `measured` or `measureFailed`, with `measuring` and `measureNotice` before; a run that is started ends it. */
  | MeasureRequest
  /** Ends that dry run, if it is under way: it is answered with measure.stopped. */
  | { type: 'stopMeasure'; id: number }
  | { type: 'probe' }
  | { type: 'pause' }
  | { type: 'resume' }
  /** Give the current step up, then save and export what there is as of the one before. */
  | { type: 'stop' }
  /** Sent with the port of each reward encoder worker that is started, before anything that may need it; `id` is new. */
  | { type: 'connectEncoder'; id: number; port: MessagePort }
  /** The reward encoder worker has crashed; what waits for it fails with this error. */
  | { type: 'encoderLost'; error: ErrorRecord };

export interface AdapterInfo {
  vendor: string;
  architecture: string;
  description: string;
  /** SwiftShader, lavapipe and the like. */
  software: boolean;
  maxBufferSize: number;
  maxStorageBufferBindingSize: number;
}

export type Scores = CompletionScores;

export interface Evaluation {
  rows: number;
  /**
   * Mean negative log-likelihood per target token over the validation rows, labels as in SFT; null when no row fits
   * with its target.
   */
  evalLoss: number | null;
  greedy: Scores;
  sampled: Scores | null;
}

/** One greedy completion of an evaluation, for the page's examples. */
export interface EvaluationSample {
  image: string;
  question: string;
  answer: string;
  text: string;
  inForm: boolean;
  right: boolean;
}

export interface CompletionRecord {
  text: string;
  /** Token count, the end token included. */
  length: number;
  /** Ended by an end-of-sequence token. */
  terminated: boolean;
  /** By reward name, unweighted. */
  rewards: Record<string, number>;
  reward: number;
  advantage: number;
  inForm: boolean;
}

/** One prompt and its G completions. */
export interface GroupRecord {
  /** sha256 of the image bytes: the key in storage. */
  image: string;
  imageName: string;
  question: string;
  answer: string;
  rewardMean: number;
  rewardStd: number;
  completions: CompletionRecord[];
}

export interface AdapterSummary {
  r: number;
  lora_alpha: number;
  target_modules: string[];
  parameters: number;
  bytes: number;
}

export interface RunSummary {
  before?: Evaluation;
  afterSft?: Evaluation;
  afterGrpo?: Evaluation;
  stepsSft: number;
  stepsGrpo: number;
  /** Wall seconds by phase name, and `total`. */
  seconds: Record<string, number>;
  /** f32 GFLOP/s of a 512 x 512 x 512 product measured in this run. */
  matmulGflops: number;
  adapter: AdapterSummary;
  seed: number;
  /** false when the user stopped it. */
  complete: boolean;
}

/** A progress report; transient: never logged, at most a few per second. */
export interface ProgressEvent {
  type: 'progress';
  stage: Stage;
  phase: Phase;
  done: number;
  total: number;
  /** What is counted, in the plural: `rows`, `completions`, `pictures`, `bytes`... */
  unit: string;
  /** Optimizer step within the stage, 1-based; 0 outside SFT and GRPO. */
  step: number;
  steps: number;
  /** Estimated seconds to the end of the run; null while unknown. */
  etaSeconds: number | null;
}

export interface StepEvent {
  type: 'step';
  stage: 'sft' | 'grpo';
  /** 1-based within the stage. */
  step: number;
  steps: number;
  /** TRL's metric names: loss, grad_norm, learning_rate, reward, rewards/NAME/mean, kl, ... */
  metrics: Record<string, number>;
}

export interface GroupsEvent {
  type: 'groups';
  step: number;
  groups: GroupRecord[];
}

export interface EvaluationEvent {
  type: 'evaluation';
  when: 'before' | 'after_sft' | 'after_grpo' | 'during';
  stage: Stage;
  /** Optimizer steps done in the stage. */
  step: number;
  result: Evaluation;
  samples: EvaluationSample[];
}

/** One completion of a running evaluation, shown live; transient. */
export interface LiveSampleEvent {
  type: 'liveSample';
  stage: Stage;
  sample: EvaluationSample;
}

/** A checkpoint was committed to storage; transient. */
export interface CheckpointEvent {
  type: 'checkpoint';
  stage: Stage;
  /** Optimizer steps done in the stage. */
  step: number;
  bytes: number;
  /** It holds the best evaluation of its stage so far. */
  best: boolean;
}

/**
 * The run goes on from a checkpoint. Events of the log with a seq of at least this event's own are void: the log was
 * cut there before this event took their place.
 */
export interface ResumedEvent {
  type: 'resumed';
  stage: Stage;
  step: number;
}

export interface NoticeEvent {
  type: 'notice';
  level: 'info' | 'warning';
  code: string;
  message: string;
}

export type RunEventBody =
  | { type: 'state'; state: RunState; stage: Stage | null }
  | ProgressEvent
  | StepEvent
  | GroupsEvent
  | EvaluationEvent
  | LiveSampleEvent
  | CheckpointEvent
  | ResumedEvent
  | NoticeEvent
  | { type: 'error'; error: ErrorRecord }
  | { type: 'finished'; summary: RunSummary };

/** An event of a run: `seq` counts within the run, `time` is epoch milliseconds. */
export type RunEvent = RunEventBody & { runId: string; seq: number; time: number };

/** Trainer worker -> page. */
export type TrainerMessage =
  | { type: 'event'; event: RunEvent }
  /** The other end of the port that came with this id is gone. */
  | { type: 'encoderGone'; id: number }
  /** How much of a part of a dry run is done. */
  | { type: 'measuring'; id: number; part: MeasuredPart; done: number; total: number }
  /** What a run would tell its user at that place. */
  | { type: 'measureNotice'; id: number; notice: NoticeEvent }
  | ({ type: 'measured'; id: number } & MeasuredRates)
  | { type: 'measureFailed'; id: number; error: ErrorRecord }
  | { type: 'probed'; adapter: AdapterInfo }
  | { type: 'probeFailed'; error: ErrorRecord };

// ---- data worker ----

export type DataRequest =
  | {
      type: 'import';
      id: number;
      name: string;
      files: InputFile[];
      /** Paths of the drop that the browser did not let the page read. */
      unread?: string[];
      validationRatio: number;
      seed: number;
      recipe: Recipe;
      /** Counts the tokens; null while none is chosen: nothing is counted then. */
      model: ModelChoice | null;
    }
  | { type: 'importBundled'; id: number; url: string; recipe: Recipe; model: ModelChoice | null }
  /** Counts the tokens of a stored dataset anew; answered as an import. */
  | { type: 'recount'; id: number; datasetId: string; recipe: Recipe; model: ModelChoice | null }
  /** Stops that import, under way or waiting; nothing of it stays stored, even if it has just ended. */
  | { type: 'cancel'; id: number }
  /** Asks for a stored run as one file. Answered even while an import runs. */
  | { type: 'exportRun'; id: number; runId: string }
  /**
   * Asks what a run would take. Answered even while an import runs; what a newer question overtakes is answered with the
   * newer one's plan.
   */
  | ({ type: 'plan'; id: number } & PlanRequest)
  | RenderPromptRequest;

/** What a run would be started with, and the GPU that it is meant for. */
export interface PlanRequest extends Omit<StartRequest, 'type' | 'runId'> {
  limits: Pick<AdapterInfo, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;
  software: boolean;
  /** What dry runs with this model on this GPU have measured; those of other storage types are not used. */
  measured: MeasuredRates[];
}

/** What a run takes, and what to change where it does not fit. */
export interface RunPlan {
  plan: Plan;
  /** The cheapest first; empty where it fits. */
  changes: ChangeEffect[];
  /** As the user gave it. */
  gpuMemoryGb: number;
}

/** Asks for a row's prompt and target as the tokens that training would see. Answered even while an import runs. */
export interface RenderPromptRequest {
  type: 'renderPrompt';
  id: number;
  recipe: Recipe;
  model: ModelChoice;
  row: DatasetRow;
}

/** One token of a rendered prompt. */
export interface PromptToken {
  id: number;
  /** Decoded; empty where a character takes several tokens and this is not the last of them. */
  text: string;
  special: boolean;
  /** A placeholder of the picture. */
  image: boolean;
  /** Carries SFT's loss. */
  label: boolean;
}

export interface RenderedPrompt {
  /** Prompt, then target. */
  tokens: PromptToken[];
  /** Tokens before the target. */
  promptLength: number;
  /** Placeholders of the picture in GRPO, where the recipe's pre-resize may make it another number than in SFT; null: too thin for it. */
  grpoImageTokens: number | null;
  /** The model's context, in tokens. */
  maxPositions: number;
}

export type DataMessage =
  | { type: 'progress'; id: number; step: 'read' | 'images' | 'tokens' | 'save'; done: number; total: number }
  | { type: 'imported'; id: number; info: DatasetInfo }
  | { type: 'failed'; id: number; error: ErrorRecord; problems: ImportProblem[] }
  /** The import was stopped by a request. */
  | { type: 'cancelled'; id: number }
  | { type: 'runFile'; id: number; file: Blob }
  | { type: 'runFileFailed'; id: number; error: ErrorRecord }
  | { type: 'planned'; id: number; plan: RunPlan }
  | { type: 'planFailed'; id: number; error: ErrorRecord }
  | { type: 'prompt'; id: number; prompt: RenderedPrompt }
  | { type: 'promptFailed'; id: number; error: ErrorRecord };

// ---- reward encoder worker (over a MessagePort to the trainer) ----

export type EncoderRequest = { type: 'load'; id: number } | { type: 'embed'; id: number; texts: string[] };

export type EncoderMessage =
  | { type: 'loaded'; id: number }
  | {
      type: 'embedded';
      id: number;
      /** texts.length x width, row-major, unit rows */ embeddings: Float32Array;
      width: number;
    }
  | { type: 'failed'; id: number; error: ErrorRecord };
