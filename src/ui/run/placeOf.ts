// Positions of things that lie over a chart, in CSS.

/** CSS position of a share of the plotting area within the plot's box. */
export function placeOf(share: number, gutters: { left: number; right: number }): string {
  return `calc(${gutters.left}px + (100% - ${gutters.left + gutters.right}px) * ${share.toFixed(5)})`;
}
