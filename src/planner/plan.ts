// Whether a run fits a GPU, what it takes of the rest of the machine, and how much it computes. Formulas alone: no device,
// no weights, and none of the arithmetic that the run itself decides by, so that each checks the other.

import type { RunFigures } from './figures';
import { gpuPhases, type MemoryInput, type PhaseMemory } from './gpuPhases';
import { hostBytes, storageBytes, type HostBytes, type StorageBytes } from './otherBytes';
import { secondsOf, type Rates, type RunSeconds } from './seconds';
import { workOf, type PhaseWork } from './work';

export interface PlanInput extends MemoryInput {
  figures: RunFigures;
  /** GPU memory that may be used, in bytes: what the user says there is, less what browser and desktop hold. */
  usableBytes: number;
  /** Bytes of the base that are cached in the browser; 0 where it stays in a folder. */
  cachedModelBytes: number;
  /** What a dry run has measured; left out: none was made. */
  rates?: Rates;
}

export interface Plan {
  phases: PhaseMemory[];
  /** The phase that needs most. */
  peak: PhaseMemory;
  usableBytes: number;
  fits: boolean;
  host: HostBytes;
  storage: StorageBytes;
  work: PhaseWork[];
  /** Operations of the whole run. */
  flops: number;
  /** null before a dry run. */
  seconds: RunSeconds | null;
}

/** Plans a run. */
export function makePlan(input: PlanInput): Plan {
  const phases = gpuPhases(input);
  const peak = phases.reduce((a, b) => (b.total > a.total ? b : a));
  const work = workOf(input);
  const { usableBytes, rates } = input;
  return {
    phases,
    peak,
    usableBytes,
    fits: peak.total <= usableBytes,
    host: hostBytes(input),
    storage: storageBytes(input, input.cachedModelBytes),
    work,
    flops: work.reduce((sum, { count, flops }) => sum + count * (flops.passes + flops.decode), 0),
    seconds: rates ? secondsOf(work, rates) : null,
  };
}
