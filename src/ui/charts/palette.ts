// The chart colours of a theme, read from the design tokens so that canvas and page never differ.

import type { Ink } from './chartSpec';

export type PaletteKey = Ink | 'surface' | 'grid' | 'line2' | 'text' | 'text2' | 'text3';
export type Palette = Record<PaletteKey, string>;

const KEYS: PaletteKey[] = [
  ...(['reward', 'accent', 'loss', 'kl', 'length', 'length-pale', 'other', 'bad'] as const),
  ...(['surface', 'grid', 'line2', 'text', 'text2', 'text3'] as const),
];

/** Resolves every chart colour as the element sees it (an element with data-theme has that theme's). */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  return Object.fromEntries(KEYS.map((key) => [key, style.getPropertyValue(`--${key}`).trim()])) as Palette;
}

/** `#rrggbb` with an opacity, 0 to 1. */
export function withAlpha(hex: string, alpha: number): string {
  return `${hex}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, '0')}`;
}
