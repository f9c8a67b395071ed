// Owners of GPU memory, as a plan lists them.

export const PARTS = [
  ...(['weights', 'tower', 'adapter', 'activations', 'workspace', 'logits', 'kv', 'features', 'staging'] as const),
] as const;
export type Part = (typeof PARTS)[number];
export type PartBytes = Record<Part, number>;

/** What the engine holds, and what Chrome's allocator takes beyond it. */
export interface HeldBytes {
  parts: PartBytes;
  rounding: number;
}

/** No bytes of any part. */
export const NO_BYTES: PartBytes = {
  ...{ weights: 0, tower: 0, adapter: 0, activations: 0, workspace: 0 },
  ...{ logits: 0, kv: 0, features: 0, staging: 0 },
};
