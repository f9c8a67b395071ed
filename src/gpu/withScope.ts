// A scope that is given back whatever happens: a run that goes on after a failure must not lack what that one held.

import type { Recorder, Scope } from './recorder';

/** Runs `work` with a scope of its own. @returns what `work` gives @throws what `work` throws */
export async function withScope<T>(rec: Pick<Recorder, 'scope'>, work: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = rec.scope();
  try {
    return await work(scope);
  } finally {
    scope.release();
  }
}

/** The same for work that waits for nothing. */
export function recorded(rec: Pick<Recorder, 'scope'>, work: (scope: Scope) => void): void {
  const scope = rec.scope();
  try {
    work(scope);
  } finally {
    scope.release();
  }
}
