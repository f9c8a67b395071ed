import { expect, test } from 'vitest';
import { defaultRecipe } from './defaultRecipe';
import { withOptions } from './optionValues';

test('options are set at the top and in sections, and all others stay as they are', () => {
  const set = [
    { option: 'max_pixels', value: 10_976 },
    { option: 'sft.per_device_train_batch_size', value: 1 },
    { option: 'sft.gradient_accumulation_steps', value: 8 },
  ];
  const { sft } = defaultRecipe;
  expect(withOptions(defaultRecipe, set)).toEqual({
    ...defaultRecipe,
    max_pixels: 10_976,
    sft: { ...sft, per_device_train_batch_size: 1, gradient_accumulation_steps: 8 },
  });
  expect(sft).toEqual(defaultRecipe.sft);
  expect(defaultRecipe.sft.gradient_accumulation_steps).not.toBe(8);
});
