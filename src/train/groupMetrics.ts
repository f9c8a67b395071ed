// TRL's metrics of a generation batch that come from lengths alone. Pure; rewards are in advantages.ts.

export interface CompletionLengths {
  /** Tokens of each completion, the end token included. */
  lengths: ArrayLike<number>;
  /** Whether each completion's last token is an end (or padding) token. */
  terminated: readonly boolean[];
  /** Tokens of the prompt of each completion, so a prompt counts once per completion. */
  promptLengths: ArrayLike<number>;
  /** Tokens seen in earlier generations of this run. */
  tokensBefore: number;
}

/** Mean, least and greatest; zeros for an empty list. */
function spread(values: readonly number[]): { mean: number; min: number; max: number } {
  if (values.length === 0) return { mean: 0, min: 0, max: 0 };
  const sum = values.reduce((total, value) => total + value, 0);
  return { mean: sum / values.length, min: Math.min(...values), max: Math.max(...values) };
}

/**
 * num_tokens (all tokens so far), completions/{mean,min,max}_length, completions/clipped_ratio (share not ended) and
 * completions/{mean,min,max}_terminated_length (0 when none ended).
 * Source: TRL 1.16 `_generate`.
 */
export function completionMetrics(input: CompletionLengths): Record<string, number> {
  const lengths = Array.from(input.lengths);
  const prompts = Array.from(input.promptLengths);
  const all = spread(lengths);
  const ended = spread(lengths.filter((_, i) => input.terminated[i]));
  const clipped = input.terminated.filter((terminated) => !terminated).length;
  return {
    num_tokens: [...lengths, ...prompts].reduce((total, length) => total + length, input.tokensBefore),
    'completions/mean_length': all.mean,
    'completions/min_length': all.min,
    'completions/max_length': all.max,
    'completions/clipped_ratio': clipped / Math.max(1, lengths.length),
    'completions/mean_terminated_length': ended.mean,
    'completions/min_terminated_length': ended.min,
    'completions/max_terminated_length': ended.max,
  };
}
