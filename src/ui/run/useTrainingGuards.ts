// While a run goes: ask before the page is left, keep the screen awake, and name the state in the tab's title.

import { useEffect } from 'react';
import { phaseSentence } from './words';
import { isBusy, useRun } from '../store/run';

/** Holds the guards for as long as a run is under way. */
export function useTrainingGuards(): void {
  const busy = useRun((run) => isBusy(run.view));
  const title = useRun(({ view }) => (view && isBusy(view) ? phaseSentence(view).split(',')[0] : null));
  useEffect(() => {
    document.title = title ? `${title} · Lorikeet` : 'Lorikeet';
  }, [title]);
  useEffect(() => {
    if (!busy) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    const release = keepAwake();
    return () => {
      window.removeEventListener('beforeunload', ask);
      release();
    };
  }, [busy]);
}

/** Screen wake lock, taken again whenever the page becomes visible; browsers without it just may sleep. */
function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let over = false;
  const take = (): void => {
    if (over || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    navigator.wakeLock.request('screen').then(
      (taken) => {
        if (over) void taken.release();
        else lock = taken;
      },
      () => undefined,
    );
  };
  document.addEventListener('visibilitychange', take);
  take();
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', take);
    void lock?.release();
  };
}
