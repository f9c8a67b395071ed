import { describe, expect, it } from 'vitest';
import { plainDecisions } from './decisions';
import { smallerEncoding, smallerGeneration, smallerScoring, smallerTraining } from './smaller';

const decisions = () => plainDecisions('nf4', { sft: 5, grpo: 0 });

/** Calls until nothing is left to make smaller. */
function exhaust(smaller: () => string | null): string[] {
  const said: string[] = [];
  for (let change = smaller(); change !== null; change = smaller()) said.push(change);
  return said;
}

describe('training', () => {
  it('takes half the tokens down to the piece that cannot be cut, then gives kept layers up, then logits', () => {
    const own = decisions();
    const said = exhaust(() => smallerTraining(own, 'sft', { whole: 2400, piece: 700 }));
    expect(said.slice(0, 5)).toEqual([
      'at most 1200 tokens go forward and backward together',
      'at most 700 tokens go forward and backward together',
      '2 layers keep their activations, the others are computed again',
      '1 layers keep their activations, the others are computed again',
      '0 layers keep their activations, the others are computed again',
    ]);
    expect(said.at(-1)).toBe('logits are made in chunks of 1 MB');
    expect(own.sft).toEqual({ tokensTogether: 700, keptLayers: 0 });
    expect(own.grpo.tokensTogether).toBe(decisions().grpo.tokensTogether);
  });
});

describe('encoding', () => {
  it('takes half the patches down to those of the largest picture, and leaves the limit where there is nothing to halve', () => {
    const own = decisions();
    const said = exhaust(() => smallerEncoding(own, { whole: 8000, piece: 700 }));
    expect(said).toEqual([1024, 700].map((count) => `at most ${count} patches go through the vision tower together`));
    const few = decisions();
    expect(smallerEncoding(few, { whole: 500, piece: 500 })).toBe(null);
    expect(few.patchesTogether).toBe(decisions().patchesTogether);
  });
});

describe('scoring', () => {
  it('takes half of what was under way, however much was allowed', () => {
    const own = decisions();
    expect(smallerScoring(own, { whole: 1000, piece: 400 })).toContain('at most 500 tokens');
    expect(own.scoreTokens).toBe(500);
  });
});

describe('generation', () => {
  it('halves cache and sequences until one sequence decodes alone', () => {
    const own = decisions();
    const said = exhaust(() => smallerGeneration(own, { whole: 4048, piece: 628 }, 16));
    expect(said).toEqual([8, 4, 2, 1].map((count) => `at most ${count} completions decode together`));
    expect(own).toMatchObject({ cacheRows: 628, sequencesTogether: 1, prefillTokens: 256 });
  });
});

it('a piece that cannot be cut does not bound what comes later', () => {
  const own = decisions();
  const work = { whole: 300, piece: 300 };
  expect(smallerTraining(own, 'sft', work)).toContain('layers keep');
  expect(smallerScoring(own, work)).toContain('chunks');
  expect(smallerGeneration(own, work, 2)).toContain('at most 1 completions');
  const { sft, scoreTokens, cacheRows } = decisions();
  expect(own.sft.tokensTogether).toBe(sft.tokensTogether);
  expect(own).toMatchObject({ scoreTokens, cacheRows });
});
