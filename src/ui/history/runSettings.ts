// A run's recipe in a line: the preset that it is, or the one it is nearest to and what differs.

import { PRESETS, presetOf } from '../recipe/presets';
import { recipeDifferences, type Difference } from '../recipe/recipeDifferences';
import { parseStoredRecipe } from '../../recipe/recipe';

export interface RunSettings {
  title: string;
  differences: Difference[];
}

/** Reads a stored recipe; one that a newer version wrote is only said to be that. */
export function runSettings(stored: unknown): RunSettings {
  try {
    const { recipe } = parseStoredRecipe(stored);
    const preset = PRESETS.find(({ name }) => name === presetOf(recipe));
    if (preset) return { title: `${preset.label} recipe`, differences: [] };
    const candidates = PRESETS.map(({ label, recipe: base }) => ({ label, found: recipeDifferences(recipe, base) }));
    const nearest = candidates.reduce((best, next) => (next.found.length < best.found.length ? next : best));
    return { title: `${nearest.label} recipe`, differences: nearest.found };
  } catch {
    return { title: 'A recipe that this version cannot read', differences: [] };
  }
}
