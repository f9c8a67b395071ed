// The policy loss written as its formulas read, without derivatives: what finite differences are taken of. For tests
// only. Whatever the loss detaches is computed from a second scene, which a difference leaves where it is.

import type { Accumulation, PolicyLossOptions, PolicySequence } from '../policyLossTypes';

/** A scene with both log-probabilities given; `old` of a detached policy is a copy of `logp`. */
export type PlainSequence = Omit<PolicySequence, 'old'> & { old: ArrayLike<number> };

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const clip = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

function liveOf(sequence: PlainSequence, options: PolicyLossOptions): number[] {
  return Array.from(sequence.mask, (m) => (options.mask_truncated_completions && sequence.truncated ? 0 : m));
}

/** log ratio of every token; masked ones count nothing. */
function logRatios({ logp, old }: PlainSequence, live: readonly number[]): number[] {
  return live.map((m, t) => (m ? logp[t]! - old[t]! : 0));
}

function ratioOf(sequence: PlainSequence, live: readonly number[], t: number, options: PolicyLossOptions): number {
  const gaps = logRatios(sequence, live);
  if (options.importance_sampling_level === 'token') return Math.exp(gaps[t]!);
  return Math.exp(total(gaps) / Math.max(1, total([...live])));
}

/** e^lambda w^k e^(-lambda w) of the whole sequence's ratio w. */
function phi(sequence: PlainSequence, live: readonly number[], options: PolicyLossOptions): number {
  const [k, lambda] =
    sequence.advantage >= 0
      ? [options.vespo_k_pos, options.vespo_lambda_pos]
      : [options.vespo_k_neg, options.vespo_lambda_neg];
  const w = clip(Math.exp(total(logRatios(sequence, live).map((gap) => clip(gap, -20, 20)))), 1e-8, Math.exp(20));
  return Math.exp(lambda) * w ** k * Math.exp(-lambda * w);
}

/** One token's policy term: `row` moves, `held` is what detached factors see. */
function policyTerm(row: PlainSequence, held: PlainSequence, live: readonly number[], t: number, o: PolicyLossOptions) {
  const { advantage: a, logp } = row;
  const r = ratioOf(row, live, t, o);
  const high = o.epsilon_high ?? o.epsilon;
  if (o.loss_type === 'cispo') return -Math.min(ratioOf(held, live, t, o), high) * a * logp[t]!;
  if (o.loss_type === 'vespo') return -phi(held, live, o) * a * logp[t]!;
  if (o.loss_type === 'sapo') {
    const temperature = a > 0 ? o.sapo_temperature_pos : o.sapo_temperature_neg;
    return (((-4 / temperature) * 1) / (1 + Math.exp(temperature * (1 - r)))) * a;
  }
  return -Math.min(Math.min(r, o.delta ?? Infinity) * a, clip(r, 1 - o.epsilon, 1 + high) * a);
}

/** 1 for the live tokens whose entropy reaches the quantile (linear interpolation) of all live ones. */
function keptTokens(held: readonly PlainSequence[], live: readonly number[][], share: number): number[][] {
  if (share >= 1) return live.map((row) => row.map(() => 1));
  const sorted = held
    .flatMap(({ entropy }, i) => Array.from(entropy).filter((_, t) => live[i]![t]))
    .sort((a, b) => a - b);
  const rank = (1 - share) * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(rank)]!, sorted[Math.ceil(rank)]!];
  const edge = below + (above - below) * (rank - Math.floor(rank));
  return held.map(({ entropy }, i) => live[i]!.map((m, t) => Number(m === 1 && entropy[t]! >= edge)));
}

/** Token sums of each row to the micro-batch's loss, by the loss type. */
function reduce(sums: readonly number[], counts: readonly number[], o: PolicyLossOptions, place: Accumulation): number {
  const { gradientAccumulationSteps: steps, stepsPerGeneration, itemsInBatch } = place;
  const rows = sums.length;
  switch (o.loss_type) {
    case 'grpo':
    case 'sapo':
      return total(sums.map((value, i) => value / Math.max(1, counts[i]!))) / rows / steps;
    case 'bnpo':
      return total([...sums]) / Math.max(1, total([...counts])) / steps;
    case 'dr_grpo':
      return total([...sums]) / (rows * o.max_completion_length) / steps;
    case 'luspo':
      return total([...sums]) / rows / steps;
    case 'dapo':
    case 'cispo':
    case 'vespo':
      return total([...sums]) / ((Math.max(1, itemsInBatch) * steps) / stepsPerGeneration);
    default:
      return o.loss_type satisfies never;
  }
}

/**
 * The loss of one micro-batch.
 * @param scene what moves @param held the scene at rest: detached factors and the entropy mask come from it
 * Source: the published formulas of each loss, as TRL 1.16 combines them.
 */
export function plainPolicyLoss(
  scene: readonly PlainSequence[],
  held: readonly PlainSequence[],
  o: PolicyLossOptions,
  place: Accumulation,
): number {
  const live = held.map((row) => liveOf(row, o));
  const kept = keptTokens(held, live, o.top_entropy_quantile);
  const sums = scene.map((row, i) =>
    total(
      live[i]!.map((m, t) => {
        if (m === 0) return 0;
        const policy = kept[i]![t] === 0 ? 0 : policyTerm(row, held[i]!, live[i]!, t, o);
        const gap = o.beta === 0 ? 0 : row.ref![t]! - row.logp[t]!;
        const factor = o.use_bias_correction_kl ? ratioOf(row, live[i]!, t, o) : 1;
        return policy + o.beta * (Math.exp(gap) - gap - 1) * factor;
      }),
    ),
  );
  const chosen = scene.flatMap(({ entropy }, i) => Array.from(entropy).filter((_, t) => live[i]![t]! * kept[i]![t]!));
  const bonus = (o.entropy_coef * total(chosen)) / Math.max(1, chosen.length) / place.gradientAccumulationSteps;
  return (
    reduce(
      sums,
      live.map((row) => total(row)),
      o,
      place,
    ) - bonus
  );
}
