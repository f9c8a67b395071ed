// What PyTorch measured on the demo (expected.json, shipped with it), for the panels that say what to expect.

import { useEffect, useState } from 'react';

type Figure = { mean: number; sd: number };
type Row = Record<
  'format_compliance' | 'total_reward' | 'accuracy_any_style' | 'accuracy' | 'semantic_reward' | 'format_reward',
  Figure
>;
type Place = { greedy: Row; sampled: Row };

export interface DemoFacts {
  table: { before: Place; after_sft: Place; after_grpo: Place };
  curves_mean_over_seeds: { grpo_reward: number[] };
  seeds: number[];
  greedy_before: { image: string; question: string; answer: string; text: string }[];
}

let loading: Promise<DemoFacts | null> | null = null;

function loadFacts(): Promise<DemoFacts | null> {
  loading ??= fetch('demo/expected.json')
    .then((response) => (response.ok ? (response.json() as Promise<DemoFacts>) : null))
    .catch(() => null);
  return loading;
}

/** The demo's measured figures; null until loaded (or when they are not shipped). */
export function useDemoFacts(): DemoFacts | null {
  const [facts, setFacts] = useState<DemoFacts | null>(null);
  useEffect(() => {
    let current = true;
    void loadFacts().then((loaded) => current && setFacts(loaded));
    return () => {
      current = false;
    };
  }, []);
  return facts;
}
