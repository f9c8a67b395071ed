// The one breakpoint that components need to know; everything else about width is in the stylesheets.

import { useSyncExternalStore } from 'react';

const NARROW = '(max-width: 759px)';

function subscribe(changed: () => void): () => void {
  const query = matchMedia(NARROW);
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
}

/** True below 760 px. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => matchMedia(NARROW).matches);
}
