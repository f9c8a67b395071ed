// Which figures of a step tell of the clock, not of the training: two equal runs differ in them alone.

/** Names of metrics, and columns of metrics.csv. */
export const CLOCKS = /^(step_time|tokens_per_second|profiling\/.*)$/;
