// The frame of a training stage: optimizer steps with a boundary before each and evaluations between.

import type { Control } from './control';

export interface StageFrame {
  steps: number;
  /** Evaluate every N steps; 0: never. The last step is left to the evaluation after the stage. */
  evalSteps: number;
  control: Control;
  evaluate(step: number): Promise<void>;
  /** Called after each step with the number of steps done. */
  onStep(done: number): void;
}

/**
 * Runs `takeStep` for 0 .. steps - 1.
 * @returns steps done
 * @throws StopRequested at a boundary, and what `takeStep` throws
 */
export async function stepLoop(frame: StageFrame, takeStep: (step: number) => Promise<void>): Promise<number> {
  const { steps, evalSteps, control } = frame;
  for (let step = 0; step < steps; step++) {
    await control.boundary();
    await takeStep(step);
    frame.onStep(step + 1);
    if (evalSteps > 0 && (step + 1) % evalSteps === 0 && step + 1 < steps) await frame.evaluate(step + 1);
  }
  return steps;
}
