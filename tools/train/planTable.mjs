// A run's plan (src/planner/plan.ts) as tables for the terminal: memory by phase and part, work, and what to change.

import { PHASE_NAMES } from '../../src/base/planWords.mjs';
import { formatSeconds } from './display.mjs';

const PARTS = ['weights', 'tower', 'adapter', 'activations', 'workspace', 'logits', 'kv', 'features', 'staging'];
/** As the page calls them; the first column is narrow. */
const PHASES = { ...PHASE_NAMES, load: 'Load' };
/** Units by size: one for a whole table, so that its columns can be compared. */
const BYTES = [
  { name: 'GB', size: 1e9 },
  { name: 'MB', size: 1e6 },
];
const FLOPS = [
  { name: 'TFLOP', size: 1e12 },
  { name: 'GFLOP', size: 1e9 },
];

function unitFor(units, largest) {
  return units.find(({ size }) => largest >= size) ?? units.at(-1);
}

/** A figure in a unit with three digits or more; nothing for 0. */
function inUnit(value, { size }) {
  return value === 0 ? '' : (value / size).toFixed(value / size < 100 ? 2 : 0);
}

function bytesText(bytes) {
  const unit = unitFor(BYTES, bytes);
  return `${(bytes / unit.size).toFixed(2)} ${unit.name}`;
}

/** Columns as wide as their widest cell; the first to the left, numbers to the right. */
function columns(rows) {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  const line = (row) => row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

/** Whether it fits, then GPU memory by phase and part, host memory and storage. */
export function planTable({ plan, gpuMemoryGb }) {
  const { phases, peak, usableBytes, fits, host, storage } = plan;
  const used = PARTS.filter((part) => phases.some(({ parts }) => parts[part] > 0));
  const unit = unitFor(BYTES, peak.total);
  const head = [`GPU memory, ${unit.name}`, ...used, 'total'];
  const rows = phases.map(({ phase, parts, total }) => {
    return [PHASES[phase] ?? phase, ...used.map((part) => inUnit(parts[part], unit)), inUnit(total, unit)];
  });
  const sum = (record) => Object.values(record).reduce((a, b) => a + b, 0);
  const verdict = fits ? 'It fits' : 'It does not fit';
  const title =
    `${verdict}: ${bytesText(peak.total)} at most (${PHASES[peak.phase]}), ` +
    `${bytesText(usableBytes)} of ${gpuMemoryGb} GB may be used (--gpu-memory).`;
  const other =
    `Chrome rounds buffers up by up to ${bytesText(peak.rounding)} more, out of what is kept free. ` +
    `Beside the GPU: ${bytesText(sum(host))} of memory, ${bytesText(sum(storage))} of storage.`;
  return `${title}\n\n${columns([head, ...rows])}\n\n${other}`;
}

/** What a run computes, by phase. */
export function workTable({ work, flops }) {
  const ofUnit = ({ flops: own }) => own.passes + own.decode;
  const unit = unitFor(FLOPS, Math.max(...work.map(ofUnit)));
  const head = ['Work', 'units', `${unit.name} each`];
  const rows = work.map((own) => [
    PHASES[own.phase] ?? own.phase,
    `${own.count} ${own.unit}${own.count === 1 ? '' : 's'}`,
    inUnit(ofUnit(own), unit),
  ]);
  const all = unitFor(FLOPS, flops);
  return `${columns([head, ...rows])}\n\n${inUnit(flops, all)} ${all.name} in all.`;
}

/** A time of a unit: `0.12 s`, `75 s`. */
function unitText(seconds) {
  return `${seconds < 100 ? seconds.toPrecision(2) : Math.round(seconds)} s`;
}

/**
 * The time of a run at measured rates (src/planner/seconds.ts), by phase and in all.
 * @param {object | null} seconds null where nothing like one of its phases was measured
 */
export function secondsTable(seconds) {
  if (!seconds) return 'How long it takes is not known: nothing like one of its phases could be measured.';
  const { begin, loadKnown, phases, total } = seconds;
  const rows = phases.map(({ phase, unit, count, unitSeconds, seconds: all }) => [
    PHASES[phase] ?? phase,
    `${count} ${unit}${count === 1 ? '' : 's'}`,
    unitText(unitSeconds),
    formatSeconds(all),
  ]);
  const table = columns([
    ['Time', 'units', 'each', 'in all'],
    [loadKnown ? 'Load and first uses' : 'First uses', '', '', formatSeconds(begin)],
    ...rows,
  ]);
  return `${table}\n\nAbout ${formatSeconds(total)} in all on this GPU${loadKnown ? '' : ', besides loading'}.`;
}

/** The cheapest changes, each with all options that it sets, and their effects. */
export function changesTable(changes) {
  const unit = unitFor(BYTES, Math.max(...changes.map(({ peakBytes }) => peakBytes)));
  const head = ['To change', `at most, ${unit.name}`, `change, ${unit.name}`, 'work', ''];
  const rows = changes.map(({ set, peakBytes, bytes, workRatio, fits }) => [
    set.map(({ option, value }) => `"${option}": ${JSON.stringify(value)}`).join(', '),
    inUnit(peakBytes, unit),
    `-${inUnit(-bytes, unit)}`,
    `x ${workRatio.toFixed(2)}`,
    fits ? 'fits' : '',
  ]);
  return columns([head, ...rows]);
}
