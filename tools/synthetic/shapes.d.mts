/** Types of shapes.mjs for tests in TypeScript. */
export function configOf(
  name: '3b' | '7b' | 'small',
  depth: { layers: number; visionLayers: number },
  ids: Record<string, number>,
): Record<string, unknown> & { vision_config: Record<string, unknown> };
export function generationOf(ids: Record<string, number>): Record<string, unknown>;
