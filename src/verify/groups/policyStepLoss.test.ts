import { expect, it } from 'vitest';
import { LOSS_TYPES } from '../../recipe/config';
import { defaultRecipe } from '../../recipe/defaultRecipe';
import type { PolicySequence } from '../../train/policy/policyLossTypes';
import { policyStepLoss } from './policyStepLoss';

const scene: PolicySequence[] = [3, 1, 2, 3].map((length, i) => ({
  logp: [-1 - i / 5, -0.7, -2.1],
  old: [-1, -0.9 + i / 10, -2],
  ref: [-1.2, -0.6, -2],
  entropy: [1, 0.4, 0.9],
  mask: [0, 1, 2].map((t) => Number(t < length)),
  advantage: [1, -0.5, 0.8, -1.1][i]!,
}));
const [whole, halves, uneven] = [
  [[0, 1, 2, 3]],
  [
    [3, 0],
    [2, 1],
  ],
  [[2], [0, 3, 1]],
];

it.each(LOSS_TYPES)('divides %s by what does not depend on the cut, or by what does, as TRL', (lossType) => {
  const options = { ...defaultRecipe.grpo, loss_type: lossType, beta: 0.1, max_completion_length: 4 };
  const lossOf = (cut: number[][]): number => policyStepLoss(scene, cut, options).loss;
  // A mean over the step's tokens never shows the cut; a mean over rows or places needs micro-batches of one size.
  const [halvesAgree, unevenAgree] = {
    grpo: [true, false],
    sapo: [true, false],
    luspo: [true, false],
    dr_grpo: [true, false],
    bnpo: [false, false],
    dapo: [true, true],
    cispo: [true, true],
    vespo: [true, true],
  }[lossType];
  const agrees = (cut: number[][]): boolean => Math.abs(lossOf(cut) - lossOf(whole)) < 1e-12;
  expect(agrees(halves)).toBe(halvesAgree);
  expect(agrees(uneven)).toBe(unevenAgree);
});
