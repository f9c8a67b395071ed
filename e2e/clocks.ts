// Which figures of a step tell of the machine, not of the training: two equal runs differ in them alone. What a step
// takes of the GPU depends on what was computed before: a resumed run makes features again that another has kept.

/** Names of metrics, and columns of metrics.csv. */
export const CLOCKS = /^(step_time|tokens_per_second|profiling\/.*|gpu(_memory)?\/.*)$/;
