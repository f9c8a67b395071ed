import { useEffect } from 'react';

/**
 * Does something again and again while `active`; a turn that fails is left to the next one.
 * @param work the same function in every render
 */
export function useEvery(ms: number, active: boolean, work: () => Promise<void>): void {
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => void work().catch(() => undefined), ms);
    return () => clearInterval(timer);
  }, [ms, active, work]);
}
