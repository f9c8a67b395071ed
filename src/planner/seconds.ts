// The time of a run: its work at rates that a dry run has measured. Passes of many rows go by their operations. Decoding goes
// by its steps: a step reads all weights however few sequences it is for, so its time follows how many decode together, not
// how much they compute.

import type { BaseStorage } from '../budgets/decisions';
import type { GenerationWork, PhaseWork } from './work';

type WorkPhase = PhaseWork['phase'];

/** Seconds of one decode step of so many sequences. */
interface DecodeRate {
  sequences: number;
  seconds: number;
}

/** What a dry run has measured. Phases that it had no part of are left out. */
export interface Rates {
  /** Seconds until everything is loaded, once a run; null where they are those of another start than a run's now. */
  load: number | null;
  /** Seconds that first uses take longer than later ones, once a run: shaders are compiled then. */
  firstUse: number;
  /** Operations a second of a phase's passes. */
  passes: Partial<Record<WorkPhase, number>>;
  /** Seconds of a unit beside its passes, generation and completions: the update, reports. */
  perUnit: Partial<Record<WorkPhase, number>>;
  /** Seconds of the rewards of one completion. */
  perCompletion: Partial<Record<WorkPhase, number>>;
  /** By sequences, the fewest first; empty where nothing was generated. */
  decode: DecodeRate[];
  /** Decode steps between two looks at which sequences have ended. */
  stepsTogether: number;
}

/** Rates, and how the base was kept when they were measured: other types have others. */
export interface MeasuredRates {
  storage: BaseStorage;
  rates: Rates;
}

interface PhaseSeconds {
  phase: WorkPhase;
  /** What is counted, and how many of them. */
  unit: string;
  count: number;
  /** Of one unit, and of all. */
  unitSeconds: number;
  seconds: number;
}

/** The time of a run. */
export interface RunSeconds {
  /** Loading, where its time is known, and what first uses take. */
  begin: number;
  loadKnown: boolean;
  phases: PhaseSeconds[];
  total: number;
}

/** A phase whose passes are most like those of another. */
const ALIKE: Partial<Record<WorkPhase, WorkPhase>> = {
  sft: 'grpo',
  grpo: 'sft',
  evaluate: 'rollout',
  rollout: 'evaluate',
};

/** Seconds of a step of `sequences`: on a line between the two figures around it, in proportion beyond the largest. */
function stepSeconds(rates: readonly DecodeRate[], sequences: number): number | null {
  const above = rates.findIndex((rate) => rate.sequences >= sequences);
  const last = rates.at(-1);
  if (!last) return null;
  if (above < 0) return (last.seconds * sequences) / last.sequences;
  const to = rates[above]!;
  const from = rates[above - 1];
  if (!from) return to.seconds;
  const share = (sequences - from.sequences) / (to.sequences - from.sequences);
  return from.seconds + share * (to.seconds - from.seconds);
}

/** Decode steps that a completion of `length` takes part in: the first token comes with the prompt, and ends are seen late. */
function stepsOf(length: number, { maxNewTokens }: GenerationWork, stepsTogether: number): number {
  const steps = Math.ceil(Math.max(0, length - 1) / stepsTogether) * stepsTogether;
  return Math.max(0, Math.min(steps, maxNewTokens - 1));
}

/** Seconds of all decode steps of one unit. As completions end, fewer are left in a step. */
function decodeSeconds(work: GenerationWork, { decode, stepsTogether }: Rates): number | null {
  const lengths = work.expectedLengths;
  let seconds = 0;
  for (const { count, sequences } of work.chunks) {
    let before = 0;
    for (const [i, length] of lengths.entries()) {
      const steps = stepsOf(length, work, stepsTogether);
      const left = Math.max(1, sequences * (1 - i / lengths.length));
      const step = stepSeconds(decode, left);
      if (step === null) return null;
      seconds += count * (steps - before) * step;
      before = steps;
    }
  }
  return seconds;
}

/** Seconds of one unit; null where the dry run had nothing like it. */
function unitSeconds({ phase, flops, generation }: PhaseWork, rates: Rates): number | null {
  const of = <T>(figures: Partial<Record<WorkPhase, T>>): T | undefined =>
    figures[phase] ?? figures[ALIKE[phase] ?? phase];
  const passes = of(rates.passes);
  const decode = generation ? decodeSeconds(generation, rates) : 0;
  if (passes === undefined || decode === null) return null;
  const completions = generation ? generation.completions * (of(rates.perCompletion) ?? 0) : 0;
  return flops.passes / passes + decode + completions + (of(rates.perUnit) ?? 0);
}

/** The time of a run at measured rates; null where the dry run had nothing like one of its phases. */
export function secondsOf(work: readonly PhaseWork[], rates: Rates): RunSeconds | null {
  const begin = (rates.load ?? 0) + rates.firstUse;
  const phases: PhaseSeconds[] = [];
  for (const own of work) {
    const seconds = unitSeconds(own, rates);
    if (seconds === null) return null;
    const { phase, unit, count } = own;
    phases.push({ phase, unit, count, unitSeconds: seconds, seconds: count * seconds });
  }
  return {
    begin,
    loadKnown: rates.load !== null,
    phases,
    total: phases.reduce((sum, { seconds }) => sum + seconds, begin),
  };
}
