// Live progress on the terminal: one line rewritten in place on a screen, now and then a line in a log.

const LOG_LINE_MS = 4000;
const TITLES = {
  before: 'Before training',
  sft: 'SFT',
  after_sft: 'After SFT',
  grpo: 'GRPO',
  after_grpo: 'After GRPO',
};
/** The metrics worth a place in one line, and their short names. */
const SHOWN = [
  ['loss', 'loss'],
  ['reward', 'reward'],
  ['format_compliance', 'in form'],
  ['kl', 'kl'],
  ['grad_norm', 'grad norm'],
  ['learning_rate', 'lr'],
];

/** What an import does in each of its steps, and what it counts there. */
const IMPORT_STEPS = {
  read: 'Reading rows: file',
  images: 'Reading pictures:',
  tokens: 'Counting tokens: row',
  save: 'Storing: picture',
};

/** `75` -> `1m 15s`. */
export function formatSeconds(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}

function formatNumber(value) {
  if (!Number.isFinite(value)) return String(value);
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : value.toPrecision(4);
}

function stepText({ step, steps, metrics }) {
  const parts = SHOWN.filter(([key]) => key in metrics).map(([key, name]) => `${name} ${formatNumber(metrics[key])}`);
  return `step ${step}/${steps}  ${parts.join('  ')}`;
}

function progressText({ phase, done, total, unit, step, steps, etaSeconds }) {
  const where = step > 0 ? `step ${step}/${steps}, ` : '';
  const left = etaSeconds === null ? '' : `, ${formatSeconds(etaSeconds)} left`;
  return `${where}${phase} ${done}/${total} ${unit}${left}`;
}

function formatBytes(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** How a download goes: `fetching 1.20 GB of 7.51 GB, 84.0 MB/s, 1m 15s left: model-00001-of-00002.safetensors`. */
export function downloadText({ arrived, total, bytesPerSecond, secondsLeft, waiting, file }) {
  if (waiting !== null) return `waiting to try again: ${waiting}`;
  const rate = bytesPerSecond === null ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
  const left = secondsLeft === null ? '' : `, ${formatSeconds(secondsLeft)} left`;
  return `fetching ${gigabytes(arrived)} of ${gigabytes(total)}${rate}${left}: ${file}`;
}

/** Where a run stands: `SFT step 4`, `Before training`. */
function placeText({ stage, step }) {
  const title = TITLES[stage] ?? stage;
  return step > 0 ? `${title} step ${step}` : title;
}

function percent(value) {
  return `${(100 * value).toFixed(0)}%`;
}

/** A loss; `-` where there was nothing to measure it on. */
function lossText(value) {
  return value === null ? '-' : value.toFixed(4);
}

function evaluationText({ result }) {
  const scores = result.sampled ?? result.greedy;
  const how = result.sampled ? 'sampled' : 'greedy';
  const reward = scores.totalReward.toFixed(3);
  return `eval loss ${lossText(result.evalLoss)}, ${how}: in form ${percent(scores.formatCompliance)}, reward ${reward}`;
}

/** Writes to a screen: `live` replaces the last live line, `line` stays. */
function screenWriter(stream) {
  const clear = '\r\x1b[2K';
  return {
    live: (text) => stream.write(clear + text.slice(0, (stream.columns ?? 80) - 1)),
    line: (text) => stream.write(`${clear}${text}\n`),
  };
}

/** Writes to a log: at most one live line every few seconds. */
function logWriter(stream) {
  let lastAt = 0;
  return {
    live(text) {
      if (Date.now() - lastAt < LOG_LINE_MS) return;
      lastAt = Date.now();
      stream.write(`${text}\n`);
    },
    line: (text) => stream.write(`${text}\n`),
  };
}

/**
 * A display of run events.
 * @param {NodeJS.WriteStream} stream
 * @returns {{event: (event: object) => void, importing: (progress: object) => void,
 *   download: (progress: object) => void, line: (text: string) => void, live: (text: string) => void}}
 *   `event` shows one RunEvent of src/protocol/messages.ts, `importing` one importProgress of src/ui/automation.ts,
 *   `download` one progress of src/protocol/download.ts
 */
export function createDisplay(stream = process.stdout) {
  const writer = stream.isTTY ? screenWriter(stream) : logWriter(stream);
  let stage = null;
  let lastStep = '';
  const enter = (next) => {
    if (next === stage || next === null) return;
    stage = next;
    lastStep = '';
    writer.line(TITLES[next] ?? next);
  };
  const show = {
    state: (event) => enter(event.stage),
    progress(event) {
      enter(event.stage);
      writer.live(`  ${progressText(event)}${lastStep && `  |  ${lastStep}`}`);
    },
    step(event) {
      enter(event.stage);
      lastStep = stepText(event);
      const write = event.step === event.steps ? writer.line : writer.live;
      write(`  ${lastStep}`);
    },
    evaluation: (event) => writer.line(`  ${event.when.replace('_', ' ')}: ${evaluationText(event)}`),
    checkpoint: (event) =>
      writer.line(`  checkpoint: ${placeText(event)}, ${formatBytes(event.bytes)}${event.best ? ', best so far' : ''}`),
    resumed: (event) => writer.line(`Goes on from the checkpoint: ${placeText(event)}`),
    notice: (event) => writer.line(`  ${event.level === 'warning' ? 'warning: ' : ''}${event.message}`),
  };
  const importing = ({ step, done, total }) => writer.live(`  ${IMPORT_STEPS[step] ?? step} ${done} of ${total}`);
  const download = (progress) => writer.live(`  ${downloadText(progress)}`);
  return { event: (event) => show[event.type]?.(event), importing, download, line: writer.line, live: writer.live };
}
