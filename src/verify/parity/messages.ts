// What the page of the comparison with TRL tells the terminal: plain numbers, judged and printed there.

import type { ErrorRecord } from '../../base/errors';

/** How far our adapter is from TRL's: rms of the difference over rms of TRL's values. */
export interface AdapterDistance {
  /** Of the tensor that is worst. */
  worst: number;
  tensor: string;
  /** Of all tensors as one. */
  whole: number;
}

export interface ParityStep {
  /** TRL's log of the step. */
  trl: Record<string, number>;
  /** Our metrics of the step. */
  ours: Record<string, number>;
  /** After the step. */
  adapter: AdapterDistance;
}

/** Something that must be the same on both sides before curves can be. */
export interface ParityFact {
  name: string;
  same: boolean;
  /** What was compared, or the first difference. */
  detail: string;
}

export interface ParityRun {
  name: string;
  stage: 'sft' | 'grpo';
  about: string;
  facts: ParityFact[];
  steps: ParityStep[];
}

export type ParityMessage = { type: 'run'; run: ParityRun } | { type: 'done' } | { type: 'error'; error: ErrorRecord };

export interface ParityRequest {
  /** Absolute address of the folder that tools/parity/run_trl.py wrote. */
  folder: string;
  /** Absolute address of the demo: model and data. */
  demo: string;
}
