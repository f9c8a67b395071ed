// What a run was planned to take beside what it took: the plan, the engine's own count, and the processes' growth. Pure.

/** Parts of the timeline that a phase of the plan covers. */
const PARTS = {
  load: (name) => name === 'loading',
  evaluate: (name) => /^(before|after_sft|after_grpo): evaluate$/.test(name),
  sft: (name) => name.startsWith('sft: ') && name !== 'sft: save',
  rollout: (name) => name === 'grpo: generate',
  grpo: (name) => ['grpo: score', 'grpo: backward', 'grpo: update'].includes(name),
  checkpoint: (name) => name.endsWith(': save'),
};

/** Largest figure; null without any. */
function most(values) {
  const found = values.filter((value) => value !== undefined);
  return found.length === 0 ? null : Math.max(...found);
}

/** What the engine counted at a stage's fullest step; null for a stage without steps. A GRPO step has its rollout in it. */
function countedIn(events, stage) {
  return most(
    events
      .filter((event) => event.type === 'step' && event.stage === stage)
      .map(({ metrics }) => metrics['gpu_memory/peak']),
  );
}

/**
 * A line per phase of the plan.
 * @param {{phases: {phase: string, total: number, rounding: number}[]}} plan of src/planner/plan.ts
 * @param {{baseline: Record<string, number>, parts: import('./timeline.mjs').Part[]}} timeline
 * @param {object[]} events of the run
 * @returns {{phase: string, planned: number, rounding: number, counted: number | null, gpu: number | null,
 *   renderer: number | null}[]} bytes; of the processes above their start
 */
export function comparison(plan, { baseline, parts }, events) {
  return plan.phases.map(({ phase, total, rounding }) => {
    const own = parts.filter(({ name }) => PARTS[phase]?.(name));
    const above = (kind) => {
      const peak = most(own.map((part) => part.peak[kind]));
      return peak === null ? null : peak - (baseline[kind] ?? 0);
    };
    const stage = phase === 'rollout' ? 'grpo' : phase;
    const processes = { gpu: above('gpu'), renderer: above('renderer') };
    return { phase, planned: total, rounding, counted: countedIn(events, stage), ...processes };
  });
}

const megabytes = (bytes) => (bytes === null ? '-' : (bytes / 1e6).toFixed(0));

/** The comparison as a table, in MB, and how far the GPU process is from what it was planned to take. */
export function comparisonTable(lines) {
  const head = ['MB', 'planned', 'counted', 'rounded', 'GPU process', 'of rounded', 'renderer'];
  const rows = lines.map(({ phase, planned, rounding, counted, gpu, renderer }) => {
    const whole = planned + rounding;
    const share = gpu === null ? '-' : `${gpu >= whole ? '+' : ''}${((gpu / whole - 1) * 100).toFixed(1)}%`;
    return [phase, ...[planned, counted, whole, gpu].map(megabytes), share, megabytes(renderer)];
  });
  return [head, ...rows]
    .map(([name, ...cells]) => `  ${name.padEnd(14)}${cells.map((cell) => cell.padStart(13)).join('')}`)
    .join('\n');
}

/** Whether GRPO had steps, and the gradient of all of them was zero: then nothing of it was proven. */
export function grpoWithoutGradient(events) {
  const norms = events
    .filter((event) => event.type === 'step' && event.stage === 'grpo')
    .map(({ metrics }) => metrics.grad_norm);
  return norms.length > 0 && norms.every((norm) => norm === 0);
}
