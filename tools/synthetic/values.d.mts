/** Types of values.mjs for tests in TypeScript. */
export function valuesOf(
  tensor: { name: string; mean: number; sd: number },
  seed: number,
): (out: Uint32Array, first: number, count: number) => void;
