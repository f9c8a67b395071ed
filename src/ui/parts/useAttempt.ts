// The state of something a button tried: its failure, to be shown beside it.

import { useState } from 'react';
import { toErrorRecord, type ErrorRecord } from '../../base/errors';

/** The last failure, and a function that takes the promise of the next try. */
export function useAttempt(): [ErrorRecord | null, (work: Promise<unknown>) => void] {
  const [problem, setProblem] = useState<ErrorRecord | null>(null);
  const attempt = (work: Promise<unknown>): void => {
    setProblem(null);
    work.catch((error: unknown) => setProblem(toErrorRecord(error)));
  };
  return [problem, attempt];
}
