// How a running loop hears of pause and stop, and tells what it is doing. Loops know nothing of workers or pages.

import type { Phase, RunEventBody, RunState, Stage } from '../protocol/messages';

/** Thrown by `Control.boundary` once a stop was asked for. */
export class StopRequested extends Error {
  constructor() {
    super('the run was asked to stop');
    this.name = 'StopRequested';
  }
}

export interface Control {
  /**
   * Called where the run may be interrupted without loss: between optimizer steps and between parts of an evaluation.
   * Waits while paused.
   * @throws StopRequested
   */
  boundary(): Promise<void>;
}

export interface Reporter {
  emit(event: RunEventBody): void;
  /** Progress within the current stage; rate-limited by the receiver. */
  progress(report: { phase: Phase; done: number; total: number; unit: string; step?: number; steps?: number }): void;
  /** Marks the stage that progress reports belong to; `state` is the run's as it enters. */
  enter(stage: Stage, state: RunState): void;
  /** Milliseconds of a clock that stands still while the run is held up in the middle of a step. */
  now(): number;
  /** Runs a part and adds its wall time to the phase's seconds. */
  timed<T>(phase: string, part: () => Promise<T>): Promise<T>;
}
