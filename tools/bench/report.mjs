// What a bench prints: medians by phase, or two programs side by side with their ratio. Knows nothing of how runs are made.

/** @param {number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Phases of a run and its product's rate, as named columns of numbers.
 * @param {{seconds: Record<string, number>, matmulGflops: number}[]} summaries summary.json of each run
 * @returns {[string, number[]][]} name and one value per run
 */
function columnsOf(summaries) {
  const phases = Object.keys(summaries[0].seconds);
  return phases.map((phase) => [phase, summaries.map(({ seconds }) => seconds[phase] ?? 0)]);
}

/** Medians of runs of one program, each followed by the single values. */
export function report(summaries, machine) {
  const lines = columnsOf(summaries).map(([phase, seconds]) => {
    const all = seconds.map((value) => value.toFixed(1)).join(', ');
    return `  ${phase.padEnd(12)}${median(seconds).toFixed(1).padStart(8)} s  (${all})`;
  });
  const rate = median(summaries.map(({ matmulGflops }) => matmulGflops));
  const head = `Medians of ${summaries.length} runs on ${machine}, nothing warmed up:`;
  return [head, ...lines, `  512 cubed product, f32: ${rate.toFixed(2)} GFLOP/s`].join('\n');
}

/**
 * Two programs that ran in pairs. The ratio is the median of the pairs' ratios: what slowed the machine down for a
 * while slowed both runs of a pair.
 * @param {object[]} before summaries of the other program @param {object[]} now of this one, pair by pair
 * @param {{name: string, machine: string}} words name of the other program
 */
export function comparison(before, now, { name, machine }) {
  const other = new Map(columnsOf(before));
  const row = (label, then, here, unit) => {
    const ratios = here.map((value, i) => value / then[i]).filter(Number.isFinite);
    const ratio = ratios.length > 0 ? median(ratios).toFixed(3) : '';
    const figures = [median(then), median(here)].map((value) => value.toFixed(2).padStart(12));
    return `  ${label.padEnd(14)}${figures.join('')}${ratio.padStart(10)}  ${unit}`;
  };
  const phases = columnsOf(now).filter(([phase]) => other.has(phase));
  const rates = [before, now].map((summaries) => summaries.map(({ matmulGflops }) => matmulGflops));
  return [
    `Medians of ${now.length} pairs of runs on ${machine}, nothing warmed up:`,
    `  ${''.padEnd(14)}${name.padStart(12)}${'this'.padStart(12)}${'ratio'.padStart(10)}`,
    ...phases.map(([phase, seconds]) => row(phase, other.get(phase), seconds, 's')),
    row('512 cubed f32', rates[0], rates[1], 'GFLOP/s'),
  ].join('\n');
}
