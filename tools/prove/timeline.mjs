// What a run did when, and the most memory that it held meanwhile. Pure: samples and events come from outside.

/** Before the page was told to start. */
const BEFORE = 'before Start';

/** From Start until the weights are on the GPU. */
const LOADING = 'loading';

/** Which part of a run an event begins; null for one that begins none. */
function partOf(event) {
  // Until a run has a stage it loads, whatever it counts meanwhile.
  if (event.type === 'state') return event.stage ?? event.state;
  if (event.type !== 'progress') return null;
  return event.phase === 'load' || event.phase === 'encode' ? LOADING : `${event.stage}: ${event.phase}`;
}

/**
 * @typedef {object} Part a stretch of the run between two events
 * @property {string} name @property {number} seconds
 * @property {Record<string, number>} peak most bytes by kind of process
 */

/**
 * Collects samples by the part of the run that they fall into; a part that comes again goes on.
 * @returns {{event: (event: object, atMs: number) => void, sample: (bytes: Record<string, number>) => void,
 *   end: (atMs: number) => {baseline: Record<string, number>, parts: Part[]}}}
 *   `baseline`: the last sample before Start
 */
export function createTimeline(beganMs) {
  const parts = new Map([[BEFORE, { name: BEFORE, seconds: 0, peak: {} }]]);
  let current = parts.get(BEFORE);
  let since = beganMs;
  let baseline = {};
  const close = (atMs) => {
    current.seconds += (atMs - since) / 1000;
    since = atMs;
  };
  return {
    event(event, atMs) {
      const name = partOf(event);
      if (name === null || name === current.name) return;
      close(atMs);
      if (!parts.has(name)) parts.set(name, { name, seconds: 0, peak: {} });
      current = parts.get(name);
    },
    sample(bytes) {
      if (current.name === BEFORE) baseline = { ...bytes };
      for (const [kind, value] of Object.entries(bytes)) current.peak[kind] = Math.max(current.peak[kind] ?? 0, value);
    },
    end(atMs) {
      close(atMs);
      return { baseline, parts: [...parts.values()] };
    },
  };
}

const megabytes = (bytes) => (bytes === undefined ? '-' : (bytes / 1e6).toFixed(0)).padStart(10);

/** The parts as a table: seconds, then the peak of each kind above the baseline, in MB. */
export function timelineTable({ baseline, parts }, kinds) {
  const above = (part, kind) => (part.peak[kind] === undefined ? undefined : part.peak[kind] - (baseline[kind] ?? 0));
  const head = `  ${'MB above Start'.padEnd(28)}${'seconds'.padStart(10)}${kinds.map((kind) => kind.padStart(10)).join('')}`;
  const lines = parts.map((part) => {
    const cells = kinds.map((kind) => megabytes(above(part, kind))).join('');
    return `  ${part.name.padEnd(28)}${part.seconds.toFixed(1).padStart(10)}${cells}`;
  });
  return [head, ...lines].join('\n');
}

/**
 * The most bytes above the baseline that a kind of process held.
 * @param {{loading?: boolean}} [options] `loading`: only until the weights were on the GPU
 */
export function growth({ baseline, parts }, kind, { loading = false } = {}) {
  const wanted = parts.filter(({ name }) => (loading ? name === LOADING : name !== BEFORE));
  return Math.max(0, ...wanted.map(({ peak }) => peak[kind] ?? 0)) - (baseline[kind] ?? 0);
}
