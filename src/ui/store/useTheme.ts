// The theme in force: the user's choice, else the system's. Sets data-theme on the root element.

import { useEffect, useSyncExternalStore } from 'react';
import { useSettings } from './settings';

const DARK = '(prefers-color-scheme: dark)';

function subscribe(changed: () => void): () => void {
  const query = matchMedia(DARK);
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
}

/** `light` or `dark`, following choice and system. */
export function useTheme(): 'light' | 'dark' {
  const choice = useSettings((settings) => settings.theme);
  const systemDark = useSyncExternalStore(subscribe, () => matchMedia(DARK).matches);
  if (choice !== 'system') return choice;
  return systemDark ? 'dark' : 'light';
}

/** Puts the theme in force on the root element, where the stylesheets look for it. */
export function useThemeOnRoot(): void {
  const theme = useTheme();
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
}
