// The recipes that the page offers ready-made, in the order of the switch.

import { isJsonObject } from '../../base/json';
import { presets } from '../../recipe/presets';
import type { Recipe } from '../../recipe/config';

export type PresetName = keyof typeof presets;

export interface Preset {
  name: PresetName;
  label: string;
  /** One line on what it is for. */
  about: string;
  recipe: Recipe;
}

export const PRESETS: Preset[] = [
  {
    name: 'demo',
    label: 'Demo',
    about: 'The bundled tiny model and its pictures, in a few minutes on any machine.',
    recipe: presets.demo,
  },
  {
    name: 'balanced',
    label: 'Balanced',
    about: 'Qwen2.5-VL-3B on a GPU of 8 GB or more: all seven linears, dapo with groups of eight.',
    recipe: presets.balanced,
  },
  {
    name: 'memory-tight',
    label: 'Memory-tight',
    about: 'Qwen2.5-VL-3B on a GPU of 4 to 6 GB: short sequences, one row at a time, groups of four.',
    recipe: presets['memory-tight'],
  },
  {
    name: 'mmherc',
    label: 'MMHERC',
    about: 'The published recipe for Qwen2.5-VL-3B: loss on all text, then bnpo with a KL to the base model.',
    recipe: presets.mmherc,
  },
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
    isJsonObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}
