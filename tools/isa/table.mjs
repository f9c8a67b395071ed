// Figures of kernels as a table in Markdown, for people, and back again.

import { Failure } from '../launcher/failure.mjs';

/** A column's title and the figure below it. */
const COLUMNS = [
  ['kernel', 'name'],
  ['chip', 'family'],
  ['VGPRs', 'vgprs'],
  ['spills', 'spills'],
  ['scratch B', 'scratch'],
  ['LDS B', 'lds'],
  ['waves', 'waves'],
  ['instructions', 'instructions'],
  ['FMA %', 'fma'],
  ['LDS/FMA', 'ldsPerFma'],
  ['loads', 'loads'],
  ['FMA/load', 'fmasPerLoad'],
];
const TEXTS = ['name', 'family'];

const line = (cells) => `| ${cells.join(' | ')} |`;

/** @param {import('./figures.mjs').Figures[]} rows @returns {string} lines of equal width */
export function tableText(rows) {
  const body = rows.map((row) => COLUMNS.map(([, key]) => String(row[key] ?? '-')));
  const titles = COLUMNS.map(([title]) => title);
  const widths = titles.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i].length)));
  const padded = (cells) =>
    cells.map((cell, i) => (TEXTS.includes(COLUMNS[i][1]) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
  const rule = COLUMNS.map(([, key], i) =>
    TEXTS.includes(key) ? '-'.repeat(widths[i]) : `${'-'.repeat(widths[i] - 1)}:`,
  );
  return [padded(titles), rule, ...body.map(padded)].map(line).join('\n');
}

function rowOf(cells, where) {
  if (cells.length !== COLUMNS.length) throw new Failure(`${where} has ${cells.length} cells, not ${COLUMNS.length}.`);
  return Object.fromEntries(
    COLUMNS.map(([title, key], i) => {
      if (TEXTS.includes(key)) return [key, cells[i]];
      const value = cells[i] === '-' ? null : Number(cells[i]);
      if (Number.isNaN(value)) throw new Failure(`${where}: ${title} is "${cells[i]}".`);
      return [key, value];
    }),
  );
}

/**
 * The rows of the one table in a text.
 * @returns {import('./figures.mjs').Figures[]} @throws Failure for a row that `tableText` did not write
 */
export function readTable(text) {
  const rows = text.split('\n').filter((row) => row.startsWith('|'));
  return rows.slice(2).map((row, i) =>
    rowOf(
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
      `row ${i + 1} of the table`,
    ),
  );
}
