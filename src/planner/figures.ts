// What a run will do, in numbers: how many steps over how many tokens. The worker counts them from the rows.

/** One pass of a packed stream through the layers. */
export interface PassFigures {
  tokens: number;
  /** Pairs of a query and a key that it may see, summed over the stream (one head). */
  pairs: number;
  /** Rows of the stream that carry a label, and labels. */
  rows: number;
  labels: number;
  /** Picture tokens among the tokens. */
  pictureTokens: number;
}

/** A pass of `factor` times as much of everything. */
export function scaled(pass: PassFigures, factor: number): PassFigures {
  return {
    tokens: pass.tokens * factor,
    pairs: pass.pairs * factor,
    rows: pass.rows * factor,
    labels: pass.labels * factor,
    pictureTokens: pass.pictureTokens * factor,
  };
}

export interface SftFigures {
  steps: number;
  /** Micro-batches in a step. */
  microBatches: number;
  /** The micro-batch with the most tokens, and the mean of all. */
  largest: PassFigures;
  mean: PassFigures;
}

/** Sequences that are generated together: a rollout, or an evaluation. */
export interface GenerationFigures {
  prompts: number;
  /** Completions of all prompts. */
  sequences: number;
  /** Tokens of all prompts, and of the longest. */
  promptTokens: number;
  longestPrompt: number;
  pictureTokens: number;
  /** Tokens of a completion: the limit, and what is expected. */
  maxNewTokens: number;
  expectedNewTokens: number;
  /** Lengths within the limit that as many completions each are expected to have, the shortest first. */
  expectedLengths: number[];
}

export interface GrpoFigures {
  steps: number;
  /** Rollouts made per step, on average. */
  rolloutsPerStep: number;
  rollout: GenerationFigures;
  /** Tokens of a prompt on average: `rollout` has the longest ones. */
  meanPromptTokens: number;
  /** The largest pack of a step, with completions at full length. */
  largest: PassFigures;
  /** The mean pack, with completions as long as expected, and how many of them a step has on average. */
  mean: PassFigures;
  packs: number;
  /** Passes without gradient over the packs of every rollout: old and reference log-probabilities. */
  scorePasses: number;
  /** The packs of a whole rollout: the largest, as above, and all together with completions as long as expected. */
  scored: { largest: PassFigures; all: PassFigures };
}

export interface EvaluationFigures {
  /** Some come while GRPO trains. */
  inGrpo: boolean;
  /** Evaluations of the whole run. */
  count: number;
  generation: GenerationFigures;
  /** The rows with their targets, for the loss. */
  loss: PassFigures;
  /** The longest of them. */
  longestRow: number;
}

export interface PictureFigures {
  /** Distinct pictures in their views. */
  count: number;
  /** Patches of all, and of the largest. */
  patches: number;
  largestPatches: number;
}

/** null where a stage is left out. */
export interface RunFigures {
  sft: SftFigures | null;
  grpo: GrpoFigures | null;
  evaluation: EvaluationFigures | null;
  pictures: PictureFigures;
  /** Tokens of all encoded rows. */
  encodedTokens: number;
}
