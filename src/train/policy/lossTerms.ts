// What each family of policy losses makes of one token: its value and its derivatives. Averages are in lossTable.ts.

import type { PolicyLossOptions, RowFacts, TokenTerm } from './policyLossTypes';

/** The upper bound of a clipped ratio is 1 + this; for cispo it is the bound itself. */
export function epsilonHighOf({ epsilon, epsilon_high: high }: PolicyLossOptions): number {
  return high ?? epsilon;
}

/** -min(min(r, delta) A, clip(r) A); equal branches share the derivative, as torch.min does. */
export function clippedTerm({ advantage, options }: RowFacts): TokenTerm {
  const low = 1 - options.epsilon;
  const high = 1 + epsilonHighOf(options);
  const delta = options.delta ?? Infinity;
  return (ratio) => {
    const free = Math.min(ratio, delta) * advantage;
    const clipped = Math.min(Math.max(ratio, low), high) * advantage;
    const dFree = ratio <= delta ? advantage : 0;
    const dClipped = ratio >= low && ratio <= high ? advantage : 0;
    const slope = free < clipped ? dFree : clipped < free ? dClipped : (dFree + dClipped) / 2;
    return { value: -Math.min(free, clipped), dRatio: -slope, dLogp: 0 };
  };
}

/** -sg(min(r, epsilon_high)) A logp: the ratio only scales the gradient. */
export function cispoTerm({ advantage, options }: RowFacts): TokenTerm {
  const bound = epsilonHighOf(options);
  return (ratio, logp) => {
    const scale = Math.min(ratio, bound) * advantage;
    return { value: -scale * logp, dRatio: 0, dLogp: -scale };
  };
}

/** -A sigmoid(t (r - 1)) 4 / t: a gate that closes smoothly; its slope at r = 1 is -A for every t. */
export function sapoTerm({ advantage, options }: RowFacts): TokenTerm {
  const t = advantage > 0 ? options.sapo_temperature_pos : options.sapo_temperature_neg;
  return (ratio) => {
    const gate = 1 / (1 + Math.exp(-t * (ratio - 1)));
    return { value: (-advantage * gate * 4) / t, dRatio: -advantage * gate * (1 - gate) * 4, dLogp: 0 };
  };
}

/**
 * vespo's weight of a row: e^lambda w^k e^(-lambda w) of the sequence's ratio w, 1 at w = 1; 0 where it is not finite.
 * Source: TRL 1.16 `get_gamma_weights`.
 */
export function gammaWeight({ advantage, sumLogRatio, options }: RowFacts): number {
  const k = advantage >= 0 ? options.vespo_k_pos : options.vespo_k_neg;
  const lambda = Math.max(1e-4, advantage >= 0 ? options.vespo_lambda_pos : options.vespo_lambda_neg);
  const logW = Math.min(20, Math.max(Math.log(1e-8), sumLogRatio));
  const weight = Math.exp(lambda + k * logW - lambda * Math.exp(logW));
  return Number.isFinite(weight) ? weight : 0;
}

/** -sg(phi) A logp with one weight phi per row. */
export function vespoTerm(facts: RowFacts): TokenTerm {
  const scale = gammaWeight(facts) * facts.advantage;
  return (_, logp) => ({ value: -scale * logp, dRatio: 0, dLogp: -scale });
}
