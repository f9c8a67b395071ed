// A failure that belongs to no control and no run: the page shows it above its places until it is dismissed.

import { create } from 'zustand';
import type { ErrorRecord } from '../../base/errors';
import { BLOCKED } from './storage';

export const useFault = create<{ error: ErrorRecord | null }>(() => ({ error: null }));

/** Shows a failure in the place of the last one. Storage that another tab holds is shown by the store of that name. */
export function showFault(error: ErrorRecord): void {
  if (error.code !== BLOCKED.code) useFault.setState({ error });
}
