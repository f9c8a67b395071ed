// Time left, from what this run has measured so far; unknown until every kind of work ahead has been seen once.

import type { ProgressEvent, Stage } from '../protocol/messages';

export interface Plan {
  sftSteps: number;
  grpoSteps: number;
  evaluations: number;
}

type Kind = 'evaluation' | 'sft' | 'grpo';

const KIND: Record<Stage, Kind> = {
  before: 'evaluation',
  sft: 'sft',
  after_sft: 'evaluation',
  grpo: 'grpo',
  after_grpo: 'evaluation',
};

export interface EtaClock {
  /** Counts a finished evaluation or step and the seconds it took. */
  finished(kind: Kind, seconds: number): void;
  estimate(progress: Omit<ProgressEvent, 'etaSeconds' | 'type'>): number | null;
}

/** Mean seconds of what was measured; the remaining units are those of the plan. */
export function createEta(plan: Plan): EtaClock {
  const done: Record<Kind, number> = { evaluation: 0, sft: 0, grpo: 0 };
  const spent: Record<Kind, number> = { evaluation: 0, sft: 0, grpo: 0 };
  return {
    finished(kind, seconds) {
      done[kind]++;
      spent[kind] += seconds;
    },
    estimate({ stage, done: part, total }) {
      const planned: Record<Kind, number> = {
        evaluation: plan.evaluations,
        sft: plan.sftSteps,
        grpo: plan.grpoSteps,
      };
      // Before the plan is known nothing can be said.
      if (planned.evaluation + planned.sft + planned.grpo === 0) return null;
      let seconds = 0;
      for (const kind of ['evaluation', 'sft', 'grpo'] as const) {
        const share = KIND[stage] === kind && kind === 'evaluation' && total > 0 ? part / total : 0;
        const left = Math.max(0, planned[kind] - done[kind] - share);
        if (left === 0) continue;
        if (done[kind] === 0) return null;
        seconds += (left * spent[kind]) / done[kind];
      }
      return seconds;
    },
  };
}
