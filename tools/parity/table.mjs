// The comparison as text for the terminal.

const COLUMNS = ['step', 'TRL loss', 'ours', 'apart', 'TRL grad norm', 'ours', 'apart', 'adapter', '(all as one)'];
const WIDTHS = [4, 12, 12, 9, 14, 12, 9, 9, 13];

const short = (value) => (value === 0 ? '0' : value.toExponential(1));
const number = (value) => (value === undefined ? '-' : value.toFixed(8));
const line = (cells) => cells.map((cell, i) => String(cell).padStart(WIDTHS[i])).join(' ');

function stepLine({ trl, ours, adapter }, { loss, grad_norm }, i) {
  const losses = [number(trl.loss), number(ours.loss), short(loss)];
  const norms = [number(trl.grad_norm), number(ours.grad_norm), short(grad_norm)];
  return line([i + 1, ...losses, ...norms, short(adapter.worst), short(adapter.whole)]);
}

/** `loss 1.0e-6, grad_norm 2.0e-6, adapter 3.0e-6` */
export function figuresText({ loss, grad_norm, adapter }) {
  return `loss ${short(loss)}, grad_norm ${short(grad_norm)}, adapter ${short(adapter)}`;
}

function metricsText({ worst }) {
  const same = Object.keys(worst).filter((name) => worst[name] === 0);
  const apart = Object.entries(worst).filter(([, value]) => value > 0);
  const exact = same.length > 0 ? [`equal: ${same.join(', ')}`] : [];
  return [...apart.map(([name, value]) => `${name} ${short(value)}`), ...exact].join('; ');
}

/**
 * One run.
 * @param {object} run as the page tells it @param {object} judgement of judgeRun
 * @param {object} [noise] TRL's float32 against its float64, if known
 */
export function runText(run, { judged, worst, metrics, failures }, noise) {
  return [
    '',
    `${run.name}: ${run.about}`,
    ...run.facts.map(({ name, same, detail }) => `  ${same ? 'same' : 'NOT the same'} ${name}: ${detail}`),
    line(COLUMNS),
    ...run.steps.map((step, i) => stepLine(step, judged[i], i)),
    `  worst relative difference: ${figuresText(worst)}`,
    ...(noise ? [`  TRL's float32 against its float64: ${figuresText(noise)}, metrics ${short(noise.metrics)}`] : []),
    `  metrics: ${metricsText(metrics)}`,
    ...failures.map((failure) => `  FAILED: ${failure}`),
    '',
  ].join('\n');
}
