// Pause, resume and stop of one run: what was asked for last, and where the run obeys it. Knows no worker and no GPU.

import type { RunState } from '../protocol/messages';
import { StopRequested } from '../train/control';

export interface RunControl {
  /**
   * Called between steps and between parts of an evaluation: waits while paused.
   * @param save commits a checkpoint of where the run stands; what it throws ends the run
   * @throws StopRequested
   */
  boundary(save: () => Promise<void>): Promise<void>;
  pause(): void;
  resume(): void;
  /** For good: no pause or resume undoes it. */
  stop(): void;
}

type Wish = 'run' | 'pause' | 'stop';

/** The state of a run that has heard a wish. */
const OBEYING: Record<Wish, RunState> = { run: 'running', pause: 'pausing', stop: 'stopping' };

/** @param announce tells the page in what state the run is now */
export function createRunControl(announce: (state: RunState) => void): RunControl {
  let wish: Wish = 'run';
  /** Set while the run waits. */
  let wake: (() => void) | null = null;
  // A function, so that the wish is read anew after every wait.
  const isPaused = (): boolean => wish === 'pause';

  const ask = (next: Wish): void => {
    if (wish === 'stop' || wish === next) return;
    wish = next;
    announce(OBEYING[next]);
    wake?.();
  };

  const pausePoint = async (save: () => Promise<void>): Promise<void> => {
    while (isPaused()) {
      // A paused tab may be closed.
      await save();
      // Saving takes its time: the user may have asked for something else meanwhile.
      if (!isPaused()) break;
      announce('paused');
      await new Promise<void>((resolve) => (wake = resolve));
      wake = null;
    }
  };

  return {
    async boundary(save) {
      await pausePoint(save);
      if (wish === 'stop') throw new StopRequested();
    },
    pause: () => ask('pause'),
    resume: () => ask('run'),
    stop: () => ask('stop'),
  };
}
