// @vitest-environment node
// The time of a decode step, from completions with and without decode steps.

import { expect, test } from 'vitest';
import { decodeStepSeconds } from './dryRunGeneration';

const TOGETHER = { sequences: 4, promptTokens: 800 };

test('a decode step takes its share of what completions take beyond their prompts', () => {
  expect(decodeStepSeconds({ total: 6, alone: 2 }, 8, TOGETHER)).toBe(0.5);
});

test('where nothing is left beyond the prompts, a step takes as long as as many tokens of a prompt', () => {
  expect(decodeStepSeconds({ total: 2, alone: 2 }, 8, TOGETHER)).toBe(2 / 200);
  expect(decodeStepSeconds({ total: 1.9, alone: 2 }, 8, TOGETHER)).toBe(2 / 200);
});

test('prompts whose time is that of a first use leave no step below that, and none that they cannot explain', () => {
  expect(decodeStepSeconds({ total: 80.1, alone: 80 }, 8, TOGETHER)).toBe(80 / 200);
  expect(decodeStepSeconds({ total: 120, alone: 80 }, 8, TOGETHER)).toBe(5);
});
