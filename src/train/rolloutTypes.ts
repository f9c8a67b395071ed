// What a rollout is made of and what it is: plain data that trainer, checkpoint and reports share.

import type { Prompt } from '../data/encode';
import type { Completion } from '../infer/generate';

/** A training prompt with what its completions are judged by and shown with. */
export interface GrpoRow {
  prompt: Prompt;
  /** sha256 of the picture's bytes. */
  image: string;
  imageName: string;
  question: string;
  thought: string;
  answer: string;
}

/** Plain data, so that a checkpoint can hold it. */
export interface Rollout {
  /** Counts the stage's rollouts from 0. */
  index: number;
  /** Training rows, one per group. */
  rows: number[];
  /** Per group, per generation. */
  completions: Completion[][];
  /** Per completion, groups in a row: */
  texts: string[];
  rewards: (number | null)[][];
  advantages: Float64Array;
  /** Log-probabilities per token when the rollout was made; null where they are the policy's own (one step per rollout). */
  old: Float64Array[] | null;
  /** Log-probabilities of the reference; null with beta 0. */
  ref: Float64Array[] | null;
  /** Completion indices of each micro-batch. */
  slices: Uint32Array[];
}
