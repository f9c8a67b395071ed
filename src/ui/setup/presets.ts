// The recipes that the page offers ready-made, in the order of the switch.

import { presets } from '../../train/presets';
import type { Recipe } from '../../train/config';

export type PresetName = keyof typeof presets;

export const PRESETS: { name: PresetName; label: string; recipe: Recipe }[] = [
  { name: 'demo', label: 'Demo', recipe: presets.demo },
  { name: 'mmherc', label: 'MMHERC', recipe: presets.mmherc },
];

export const DEMO_RECIPE: Recipe = presets.demo;

/** The preset that equals `recipe`, if any. */
export function presetOf(recipe: Recipe): PresetName | null {
  const text = canonical(recipe);
  return PRESETS.find((preset) => canonical(preset.recipe) === text)?.name ?? null;
}

/** JSON with sorted keys: equal recipes give equal texts, however they were built. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
