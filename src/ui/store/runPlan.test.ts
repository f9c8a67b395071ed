// @vitest-environment node
// A plan counts for the settings that it was made of, and a change is made to the recipe of now.

import { beforeEach, expect, test } from 'vitest';
import { LorikeetError } from '../../base/errors';
import type { RunPlan } from '../../protocol/messages';
import { defaultRecipe } from '../../recipe/defaultRecipe';
import { applyPlan, beginPlan, clearPlan, outdatePlan, takeChange, useRunPlan } from './runPlan';
import { useSettings } from './settings';

/** What the store keeps of a plan is not looked into. */
function planNamed(gpuMemoryGb: number): RunPlan {
  return { plan: {} as RunPlan['plan'], changes: [], gpuMemoryGb };
}

const SMALLER = {
  set: [
    { option: 'sft.per_device_train_batch_size', value: 1 },
    { option: 'sft.gradient_accumulation_steps', value: 8 },
  ],
};

beforeEach(() => {
  clearPlan();
  useSettings.setState({ recipe: defaultRecipe });
});

test('a change sets its options in the recipe of now: what was edited since the plan was asked for stays', () => {
  const { lora, sft } = defaultRecipe;
  const edited = { ...defaultRecipe, lora: { ...lora, r: 24 }, sft: { ...sft, learning_rate: 3e-4 } };
  useSettings.setState({ recipe: edited });
  takeChange(SMALLER);
  expect(useSettings.getState().recipe).toEqual({
    ...edited,
    sft: { ...edited.sft, per_device_train_batch_size: 1, gradient_accumulation_steps: 8 },
  });
});

test('a change of a plan that is out of date is not made', () => {
  outdatePlan();
  takeChange(SMALLER);
  expect(useSettings.getState().recipe).toBe(defaultRecipe);
});

test('a plan is out of date from the change on, before the next one is asked for, and an answer to the earlier question leaves it so', async () => {
  const shown = beginPlan();
  applyPlan({ type: 'planned', id: shown.id, plan: planNamed(8) });
  expect(useRunPlan.getState()).toMatchObject({ plan: { gpuMemoryGb: 8 }, waiting: false });

  const late = beginPlan();
  outdatePlan();
  applyPlan({ type: 'planned', id: late.id, plan: planNamed(6) });
  expect((await late.plan).gpuMemoryGb).toBe(6);
  expect(useRunPlan.getState()).toMatchObject({ plan: { gpuMemoryGb: 8 }, waiting: true });

  const { id } = beginPlan();
  applyPlan({ type: 'planned', id, plan: planNamed(4) });
  expect(useRunPlan.getState()).toMatchObject({ plan: { gpuMemoryGb: 4 }, waiting: false });
});

test('where nothing can be planned no verdict is left, and an answer on its way brings none', async () => {
  const shown = beginPlan();
  applyPlan({ type: 'planned', id: shown.id, plan: planNamed(8) });
  const failing = beginPlan();
  clearPlan();
  expect(useRunPlan.getState()).toEqual({ plan: null, error: null, waiting: false });
  applyPlan({ type: 'planFailed', id: failing.id, error: { code: 'train.noRows', message: 'no row' } });
  await expect(failing.plan).rejects.toBeInstanceOf(LorikeetError);
  expect(useRunPlan.getState()).toEqual({ plan: null, error: null, waiting: false });
});
