// The result of a run as text: scores before and after each stage, and where the time went.

import { formatSeconds } from './display.mjs';

const COLUMNS = [
  ['before', 'before'],
  ['afterSft', 'after SFT'],
  ['afterGrpo', 'after GRPO'],
];
const ROWS = [
  ['formatCompliance', 'form compliance'],
  ['accuracy', 'exact answer in the tag'],
  ['accuracyAnyStyle', 'right in any style'],
  ['yesNoAccuracy', 'yes/no questions'],
  ['semanticReward', 'semantic reward'],
  ['formatReward', 'format reward'],
  ['totalReward', 'total reward'],
];
const LABEL_WIDTH = 26;
const CELL_WIDTH = 12;

function cell(value) {
  return (typeof value === 'number' ? value.toFixed(3) : '-').padStart(CELL_WIDTH);
}

function line(label, values) {
  return `  ${label.padEnd(LABEL_WIDTH)}${values.map(cell).join('')}`;
}

/**
 * Before, after SFT and after GRPO side by side.
 * @param {object} summary RunSummary of src/protocol/messages.ts
 * @returns {string} lines without a final newline
 */
export function scoreTable(summary) {
  const evaluations = COLUMNS.map(([key]) => summary[key]);
  const head = `  ${''.padEnd(LABEL_WIDTH)}${COLUMNS.map(([, title]) => title.padStart(CELL_WIDTH)).join('')}`;
  const lines = [
    head,
    line(
      'eval loss',
      evaluations.map((evaluation) => evaluation?.evalLoss),
    ),
  ];
  for (const kind of ['sampled', 'greedy']) {
    if (!evaluations.some((evaluation) => evaluation?.[kind])) continue;
    lines.push(`  ${kind}`);
    for (const [key, label] of ROWS) {
      lines.push(
        line(
          `  ${label}`,
          evaluations.map((evaluation) => evaluation?.[kind]?.[key]),
        ),
      );
    }
  }
  return lines.join('\n');
}

/**
 * Seconds by phase, longest first, and the rate of the matrix product.
 * @param {object} summary RunSummary
 * @returns {string}
 */
export function timeTable(summary) {
  const { total, ...phases } = summary.seconds;
  const parts = Object.entries(phases)
    .sort((a, b) => b[1] - a[1])
    .map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`);
  const rate = summary.matmulGflops ? `  512 cubed product: ${summary.matmulGflops.toFixed(2)} GFLOP/s` : null;
  return [`  total ${formatSeconds(total ?? 0)} (seconds: ${parts.join(', ')})`, rate].filter(Boolean).join('\n');
}
