/** Types of tensors.mjs for tests in TypeScript. */
export interface TensorSpec {
  name: string;
  shape: number[];
  mean: number;
  sd: number;
}
export function tensorsOf(config: Record<string, unknown>): TensorSpec[];
