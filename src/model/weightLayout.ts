// Whether a tensor lies as PyTorch saves it. Other programs store the same number of values in another order, which
// would load without a word and mean nothing. Must not read tensors.

import { check } from '../base/errors';
import type { WeightFiles } from '../formats/weightFiles';

/**
 * Checks that a matrix is stored by rows of its output, or a convolution as (output, ...inner).
 * @param weights under the hub's names @param rows outputs @param inner the other sizes, where more than their product matters
 * @throws weights.layout
 */
export function checkLayout(weights: WeightFiles, name: string, rows: number, inner: number[] = []): void {
  const shape = weights.shape(name);
  const flat = shape.length === 2;
  check(
    shape[0] === rows && (flat || inner.length === 0 || inner.every((size, i) => shape[i + 1] === size)),
    'weights.layout',
    `tensor ${name} is (${shape.join(', ')}); expected (${[rows, ...inner].join(', ')}${inner.length === 0 ? ', ...' : ''})`,
    'The file was written for another program (MLX for one stores channels last): use the one in the layout of PyTorch.',
  );
}
