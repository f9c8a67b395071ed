import { expect, test } from 'vitest';
import { presets } from '../../recipe/presets';
import { emptyRun } from '../store/runView';
import { artifactOf } from './artifact';

test('a file of completions without those of some steps says how many it lacks', async () => {
  const groupSteps = [1, 2].map((step) => ({ step, seqs: [step] }));
  const lost = { ...emptyRun('lost'), groupSteps };
  const { bytes, note } = await artifactOf(lost as ReturnType<typeof emptyRun>, presets.demo, 'completions.jsonl');
  expect(bytes.length).toBe(0);
  expect(note).toBe('completions.jsonl lacks 2 steps: the browser could not store their completions.');
  expect((await artifactOf(emptyRun('none'), presets.demo, 'completions.jsonl')).note).toBe(null);
});
