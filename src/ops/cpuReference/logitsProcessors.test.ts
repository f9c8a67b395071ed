import { describe, expect, it } from 'vitest';
import { compareTensor } from '../../reference/compare';
import { openTestFolder } from '../../reference/testFolder';
import type { TensorTolerance } from '../../reference/types';
import type { SamplingOptions } from './logitsProcessors';
import { samplingProbabilities } from './logitsProcessors';

interface SamplingFile {
  cases: { name: string; options: Record<string, number | number[]> }[];
  tolerance: TensorTolerance;
}

/** The fixture's option names (those of transformers) to ours. */
function toOptions(options: Record<string, number | number[]>): SamplingOptions {
  return {
    repetitionPenalty: options.repetition_penalty as number | undefined,
    suppressTokens: options.suppress_tokens as number[] | undefined,
    temperature: options.temperature as number | undefined,
    topK: options.top_k as number | undefined,
    topP: options.top_p as number | undefined,
    minP: options.min_p as number | undefined,
  };
}

describe('samplingProbabilities', () => {
  it('gives the probabilities of transformers for every case of the reference', async () => {
    const folder = openTestFolder();
    const entries = folder.cases.filter((entry) => entry.kind === 'grpo');
    expect(entries.length).toBeGreaterThan(0);
    for (const { path } of entries) {
      const { cases, tolerance } = (await folder.json(`${path}/sampling.json`)) as SamplingFile;
      const tensors = await folder.tensors(`${path}/sampling.safetensors`);
      const [logits, history] = [tensors.get('logits')!, tensors.get('history')!];
      const [rows, vocab] = [logits.shape[0]!, logits.shape[1]!];
      for (const { name, options } of cases) {
        const want = tensors.get(`probs.${name}`)!;
        const got = Array.from({ length: rows }, (_, row) => [
          ...samplingProbabilities(
            logits.data.slice(row * vocab, (row + 1) * vocab),
            history.data.slice(row * history.shape[1]!, (row + 1) * history.shape[1]!),
            toOptions(options),
          ),
        ]).flat();
        const result = compareTensor(name, got, want.data, want.shape, tolerance);
        expect(result.pass, `${path} ${name}: ${result.at}`).toBe(true);
        got.forEach((p, i) => expect(p === 0, `${path} ${name}[${i}] removed`).toBe(want.data[i] === 0));
      }
    }
  });

  it('is softmax when nothing is asked for', () => {
    const p = samplingProbabilities([0, Math.log(3)], [], {});
    expect(p[0]).toBeCloseTo(0.25, 15);
    expect(p[1]).toBeCloseTo(0.75, 15);
  });

  it('keeps the most likely token however small top-p is', () => {
    expect(Array.from(samplingProbabilities([1, 3, 2], [], { topP: 1e-9 }))).toEqual([0, 1, 0]);
  });

  it('counts an id of the history once, and punishes negative logits downwards', () => {
    const p = samplingProbabilities([-1, 0], [0, 0, 0], { repetitionPenalty: 2 });
    expect(p[0]).toBeCloseTo(Math.exp(-2) / (1 + Math.exp(-2)), 15);
  });
});
