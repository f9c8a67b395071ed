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
  /**
   * Called before every submission to the GPU: waits while paused, in the middle of a step. Passes at once while a
   * boundary or another gate is under way, whose saves submit too, and after a stop was obeyed.
   * @param save commits a checkpoint of the last boundary; what it throws ends the run
   * @throws StopRequested once: the step under way is lost, nothing before it
   */
  gate(save: () => Promise<void>): Promise<void> | void;
  /** The state of a run that is doing this: what was asked for last goes before. */
  stateOf(doing: 'loading' | 'running'): RunState;
  pause(): void;
  resume(): void;
  /** For good: no pause or resume undoes it. */
  stop(): void;
}

type Wish = 'run' | 'pause' | 'stop';

/** @param announce tells the page in what state the run is now */
export function createRunControl(announce: (state: RunState) => void): RunControl {
  let wish: Wish = 'run';
  /** Set while the run waits. */
  let wake: (() => void) | null = null;
  // A function, so that the wish is read anew after every wait.
  const isPaused = (): boolean => wish === 'pause';

  const stateOf = (doing: 'loading' | 'running'): RunState => {
    if (wish === 'run') return doing;
    return wish === 'pause' ? 'pausing' : 'stopping';
  };

  const ask = (next: Wish): void => {
    if (wish === 'stop' || wish === next) return;
    wish = next;
    announce(stateOf('running'));
    wake?.();
  };

  const pausePoint = async (save: () => Promise<void>): Promise<void> => {
    while (isPaused()) {
      // A paused tab may be closed.
      await save();
      // Saving takes its time: the user may have asked for something else meanwhile.
      if (!isPaused()) break;
      const woken = new Promise<void>((resolve) => (wake = resolve));
      announce('paused');
      await woken;
      wake = null;
    }
  };

  /** A boundary or a gate is under way. */
  let holding = false;
  let stopped = false;
  const obey = async (save: () => Promise<void>): Promise<void> => {
    holding = true;
    try {
      await pausePoint(save);
    } finally {
      holding = false;
    }
    if (wish !== 'stop') return;
    stopped = true;
    throw new StopRequested();
  };

  return {
    boundary: obey,
    gate: (save) => (wish === 'run' || holding || stopped ? undefined : obey(save)),
    stateOf,
    pause: () => ask('pause'),
    resume: () => ask('run'),
    stop: () => ask('stop'),
  };
}
