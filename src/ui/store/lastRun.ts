// How long the last finished run with the same recipe and data took on this machine.

import type { Recipe } from '../../recipe/config';
import { load, save } from './persist';

interface LastRun {
  key: string;
  seconds: number;
}

const keyOf = (recipe: Recipe, datasetId: string): string => `${datasetId} ${JSON.stringify(recipe)}`;

/** Remembers a finished run's time. */
export function rememberDuration(recipe: Recipe, datasetId: string, seconds: number): void {
  const entry: LastRun = { key: keyOf(recipe, datasetId), seconds };
  save('lastRun', entry);
}

/** Seconds of the last run with these settings; null when the last run had others. */
export function lastDuration(recipe: Recipe, datasetId: string): number | null {
  const last = load('lastRun', (value) => value as LastRun);
  return last?.key === keyOf(recipe, datasetId) && Number.isFinite(last.seconds) ? last.seconds : null;
}
