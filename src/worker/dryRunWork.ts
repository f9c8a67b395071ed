// What the parts of a dry run share.

import type { Rates } from '../planner/seconds';
import type { PhaseWork } from '../planner/work';
import type { Recipe } from '../recipe/config';
import type { DryClock } from './dryRunClock';
import type { Session } from './session';

/** A dry run under way. */
export interface Dry {
  session: Session;
  clock: DryClock;
  seed: number;
  /** Of one micro-batch a step. */
  recipe: Recipe;
  /** What the planner counts of it, and of the whole run. */
  work: PhaseWork[];
  wholeWork: PhaseWork[];
  /** Tokens that a completion is expected to have. */
  expected: number;
  /** Of the answers, the share that is not another row's, too. */
  newAnswers: number;
  /** Filled in as it goes on. */
  rates: Rates;
}

/** Operations of the passes of one of a phase's units, in the dry run. */
export function passesOf({ work }: Dry, phase: PhaseWork['phase']): number {
  return work.find((own) => own.phase === phase)?.flops.passes ?? 0;
}

/** Notes operations a second; what took no time, or computed nothing, has no rate. */
export function noteRate(rates: Rates['passes'], phase: PhaseWork['phase'], flops: number, seconds: number): void {
  const rate = flops / seconds;
  if (Number.isFinite(rate) && rate > 0) rates[phase] = rate;
}
