// How far our steps are from TRL's, and whether that is near enough. Pure functions of the numbers.

/**
 * Bounds of the worst step: ten times what TRL's own float32 is from its float64 on these runs (loss 2.2e-6, gradient
 * norm 1.4e-5, adapter 1.0e-5, kl 2.2e-5; printed beside ours each time). Thread counts change nothing there, but
 * another float32 program adds up in another order, and Adam turns a gradient near zero into a whole step. A wrong
 * formula, order or constant is off by 1e-3 and more. The other metrics are held to the loss's bound.
 */
export const BOUNDS = { loss: 2.2e-5, grad_norm: 1.4e-4, adapter: 1e-4, kl: 2.2e-4, metrics: 2.2e-5 };

/**
 * Policy losses pass through zero, because advantages cancel: there a share of the loss says nothing. Below this the
 * difference is measured against this.
 */
export const FLOOR = 0.1;

/** Entries of TRL's log that are judged by themselves, and its wall time. */
const NOT_METRICS = new Set(['step_time', 'loss', 'grad_norm']);

/**
 * @param {number} value ours @param {number} true_ TRL's @param {number} floor least size that counts as TRL's
 * @returns {number} relative difference; infinite when ours is not a number
 */
export function apart(value, true_, floor = 0) {
  if (value === true_) return 0;
  if (!Number.isFinite(value)) return Infinity;
  return Math.abs(value - true_) / Math.max(Math.abs(true_), floor);
}

/** Figures of one step. @param {{trl: Record<string, number>, ours: Record<string, number>, adapter: object}} step */
export function judgeStep({ trl, ours, adapter }) {
  return {
    loss: apart(ours.loss, trl.loss, FLOOR),
    grad_norm: apart(ours.grad_norm, trl.grad_norm),
    adapter: adapter.worst,
  };
}

/**
 * The worst difference of every metric that TRL logs, over all steps.
 * @returns {{worst: Record<string, number>, missing: string[]}} missing: TRL logs it, and we do not
 */
export function judgeMetrics(steps) {
  const worst = {};
  const missing = new Set();
  for (const { trl, ours } of steps) {
    for (const name of Object.keys(trl).filter((key) => !NOT_METRICS.has(key))) {
      if (!(name in ours)) missing.add(name);
      else worst[name] = Math.max(worst[name] ?? 0, apart(ours[name], trl[name], FLOOR));
    }
  }
  return { worst, missing: [...missing] };
}

/** The largest of each figure over all steps. */
export function worstOf(judged) {
  const out = { loss: 0, grad_norm: 0, adapter: 0 };
  for (const figures of judged) for (const name of Object.keys(out)) out[name] = Math.max(out[name], figures[name]);
  return out;
}

/**
 * Judges a run.
 * @returns {{judged: object[], worst: object, metrics: object, failures: string[]}}
 */
export function judgeRun({ facts, steps }) {
  const judged = steps.map(judgeStep);
  const worst = worstOf(judged);
  const metrics = judgeMetrics(steps);
  const figures = [...Object.entries(worst), ...Object.entries(metrics.worst)];
  const boundOf = (name) => BOUNDS[name] ?? BOUNDS.metrics;
  const failures = [
    ...facts.filter(({ same }) => !same).map(({ name, detail }) => `${name} differ: ${detail}`),
    ...figures
      .filter(([name, value]) => !(value <= boundOf(name)))
      .map(([name, value]) => `${name} is ${value.toExponential(1)} apart, at most ${boundOf(name).toExponential(1)}`),
    ...metrics.missing.map((name) => `TRL logs ${name}, we do not`),
    ...(steps.length === 0 ? ['there are no steps'] : []),
  ];
  return { judged, worst, metrics, failures };
}
