// Figures of runs of several sizes as a table. Knows nothing of how runs are made.

import { growth } from '../prove/timeline.mjs';

/** Seconds of the steps but the first, which compiles kernels; null without any. */
function secondsPerStep(events, stage) {
  const times = events.filter((event) => event.type === 'step' && event.stage === stage).slice(1);
  if (times.length === 0) return null;
  return times.reduce((sum, { metrics }) => sum + metrics.step_time, 0) / times.length;
}

/** The most bytes of GPU memory at any step, as the engine counts them; null where no step says. */
function gpuBytes(events) {
  const totals = events.flatMap(({ type, metrics }) => (type === 'step' ? [metrics['gpu_memory/peak']] : []));
  const known = totals.filter((total) => total !== undefined);
  return known.length === 0 ? null : Math.max(...known);
}

const secondsOf = ({ parts }, name) => parts.find((part) => part.name === name)?.seconds ?? null;

const FIGURES = [
  ['until Start, s', ({ result }) => secondsOf(result, 'before Start')],
  ['loading, s', ({ result }) => secondsOf(result, 'loading')],
  ['SFT step, s', ({ events }) => secondsPerStep(events, 'sft')],
  ['GRPO step, s', ({ events }) => secondsPerStep(events, 'grpo')],
  ['GPU by count, MB', ({ events }) => scaled(gpuBytes(events))],
  ['GPU process, MB', ({ result }) => scaled(growth(result, 'gpu'))],
  ['page process, MB', ({ result }) => scaled(growth(result, 'renderer'))],
];

function scaled(bytes) {
  return bytes === null ? null : bytes / 1e6;
}

function cell(value) {
  return (value === null ? '-' : value.toFixed(value < 10 ? 2 : 0)).padStart(10);
}

/**
 * One row per figure, one column per size, and by how much the last exceeds the first.
 * @param {string} about what grows
 * @param {{size: number, result: object, events: object[]}[]} measured at least two, smallest first
 */
export function growthTable(about, measured) {
  const head = `  ${about.padEnd(26)}${measured.map(({ size }) => String(size).padStart(10)).join('')}${'factor'.padStart(10)}`;
  const rows = FIGURES.map(([name, figure]) => {
    const values = measured.map(figure);
    const [first, last] = [values[0], values.at(-1)];
    const factor = first === null || last === null || first <= 0 ? null : last / first;
    return `  ${name.padEnd(26)}${values.map(cell).join('')}${cell(factor)}`;
  });
  return [head, ...rows].join('\n');
}
