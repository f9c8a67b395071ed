import { describe, expect, it } from 'vitest';
import { VARIANTS, withGpu, type GpuBench } from '../gpu/testGpu';
import { openHttpFolder } from '../reference/httpFolder';
import * as reference from './cpuReference/logitsProcessors';
import { prepareDecodeStep, processedProbabilities, sampleTokens, type SamplingOptions } from './sampling';
import { decodeWords, uploadDecode, type DecodeScene } from './testing/decodeState';
import { drawTokens, KEY, PLAIN } from './testing/drawTokens';
import { expectTensor } from './testing/expectTensor';
import { testValues } from './testValues';

const GREEDY = { ...PLAIN, temperature: 0 };

/** Sequence s samples from logits row s. */
function identitySlots(count: number): Uint32Array {
  return Uint32Array.from({ length: count * 2 }, (_, i) => i >> 1);
}

/** Probabilities of every row (rows, vocabulary) as the kernel sees them. */
async function probabilities(
  bench: GpuBench,
  logits: ArrayLike<number>,
  scene: DecodeScene,
  options: SamplingOptions,
): Promise<Float32Array> {
  const { vocabulary, maxNew, sequences } = scene;
  const tensor = bench.input(logits, [sequences.length, vocabulary]);
  const slots = bench.input(identitySlots(sequences.length));
  const tensors = { ...uploadDecode(bench, scene), logits: tensor, slots };
  processedProbabilities(bench.rec, tensors, { ...options, slots: sequences.length, vocabulary, maxNew });
  return (await bench.read(tensor))[0];
}

const OPTIONS: { name: string; options: SamplingOptions; suppressed?: number[] }[] = [
  { name: 'nothing', options: PLAIN },
  { name: 'temperature', options: { ...PLAIN, temperature: 0.3 } },
  { name: 'top-k', options: { ...PLAIN, topK: 5 } },
  { name: 'top-k larger than the vocabulary', options: { ...PLAIN, topK: 1000 } },
  { name: 'top-p', options: { ...PLAIN, topP: 0.7 } },
  { name: 'a tiny top-p', options: { ...PLAIN, topP: 1e-6 } },
  { name: 'min-p', options: { ...PLAIN, minP: 0.2 } },
  { name: 'min-p 1', options: { ...PLAIN, minP: 1 } },
  { name: 'repetition penalty', options: { ...PLAIN, repetitionPenalty: 1.5 } },
  { name: 'suppressed ids', options: PLAIN, suppressed: [0, 5] },
  {
    name: 'all of them',
    options: { temperature: 0.8, topK: 20, topP: 0.9, minP: 0.05, repetitionPenalty: 1.2 },
    suppressed: [3],
  },
];

describe.each(VARIANTS)('sampling, %s kernels', (variant) => {
  it.each(OPTIONS)('processes logits like the reference: $name', async ({ options, suppressed = [] }) => {
    for (const vocabulary of [7, 31, 300]) {
      const logits = testValues(3 * vocabulary, 1, -6, 6);
      // One row with large logits of both signs, zeros of both signs among them.
      logits.set([80, -80, 0, -0, 79.5, -79.5, 1e-30], 2 * vocabulary);
      const seen = [[0, 1, 2, 6], [], [vocabulary - 1, 0, 1, 2, 3]];
      const scene = { vocabulary, maxNew: 1, suppressed, sequences: seen.map((ids) => ({ seen: ids })) };
      const want = seen.flatMap((history, r) => {
        const row = logits.slice(r * vocabulary, (r + 1) * vocabulary);
        return [...reference.samplingProbabilities(row, history, { ...options, suppressTokens: suppressed })];
      });
      await withGpu(variant, async (bench) => {
        const got = await probabilities(bench, logits, scene, options);
        // A probability's relative error is the rounding of its logit, here up to 80 / 0.3.
        expectTensor(`V ${vocabulary}`, got, want, [3, vocabulary], { relative: 3e-5 });
        expect(Array.from(got, (p) => p > 0)).toEqual(want.map((p) => Math.fround(p) > 1.2e-38));
      });
    }
  });

  it("equals transformers' processors in the reference cases", async () => {
    const folder = await openHttpFolder('/reference');
    const cases = folder.cases.filter(({ kind }) => kind === 'grpo');
    expect(cases.length).toBeGreaterThan(0);
    for (const { path } of cases) {
      const file = (await folder.json(`${path}/sampling.json`)) as SamplingFile;
      const tensors = await folder.tensors(`${path}/sampling.safetensors`);
      const [logits, history] = [tensors.get('logits')!, tensors.get('history')!];
      const [rows, vocabulary] = [logits.shape[0]!, logits.shape[1]!];
      const sequences = Array.from({ length: rows }, (_, r) => ({
        seen: Array.from(history.data.slice(r * history.shape[1]!, (r + 1) * history.shape[1]!)),
      }));
      for (const { name, options } of file.cases) {
        const scene = { vocabulary, maxNew: 1, suppressed: options.suppress_tokens, sequences };
        await withGpu(variant, async (bench) => {
          const got = await probabilities(bench, logits.data, scene, optionsOf(options));
          const want = tensors.get(`probs.${name}`)!;
          const { atol, rtol } = file.tolerance;
          expectTensor(name, got, want.data, want.shape, { relative: rtol, scale: atol / rtol });
          expect(Array.from(got, (p) => p === 0)).toEqual(Array.from(want.data, (p) => p === 0));
        });
      }
    }
  });

  // How often tokens are drawn is in samplingDistribution.browser.test.ts.
  it('takes the first of equal maxima when greedy, of what is neither suppressed nor penalised', async () => {
    const logits = new Float32Array(200).fill(-5);
    for (const v of [5, 70, 71, 134, 199]) logits[v] = 3;
    await withGpu(variant, async (bench) => {
      expect(await drawTokens(bench, logits, 2, GREEDY)).toEqual([[5], [5]]);
      expect(await drawTokens(bench, logits, 1, { ...GREEDY, suppressed: [5, 70] })).toEqual([[71]]);
      // Each step penalises what came before.
      const steps = await drawTokens(bench, logits, 1, { ...GREEDY, repetitionPenalty: 2, steps: 3 });
      expect(steps).toEqual([[5, 70, 71]]);
      expect(await drawTokens(bench, [-1, -2, -1], 1, GREEDY)).toEqual([[0]]);
      expect(await drawTokens(bench, [4], 1, PLAIN)).toEqual([[0]]);
    });
  });

  it('draws the same again for the same key, and something else for another', async () => {
    const flat = [0, 0, 0];
    await withGpu(variant, async (bench) => {
      const pairs = await drawTokens(bench, flat, 300, { ...PLAIN, steps: 2 });
      expect(await drawTokens(bench, flat, 300, { ...PLAIN, steps: 2 })).toEqual(pairs);
      const other: [number, number] = [KEY[0], 1];
      expect(await drawTokens(bench, flat, 300, { ...PLAIN, steps: 2, key: other })).not.toEqual(pairs);
    });
  });

  it('never draws a suppressed token, however likely', async () => {
    await withGpu(variant, async (bench) => {
      const tokens = (await drawTokens(bench, [9, 0, 8, 0.5, 0], 500, { ...PLAIN, suppressed: [0, 2] })).flat();
      expect(new Set(tokens)).toEqual(new Set([1, 3, 4]));
    });
  });

  it('advances each sequence, ends it at an end token or its last place, and leaves finished ones alone', async () => {
    const scene: DecodeScene = {
      vocabulary: 40,
      maxNew: 3,
      ends: [7, 33],
      sequences: [
        { tokens: [1] },
        { tokens: [1] },
        { tokens: [2, 2] },
        { tokens: [33], done: true },
        { tokens: [1, 2, 3], done: true },
        {},
      ],
    };
    // Slots in another order, one logits row apart; sequence 5 has no slot.
    const chosen = [20, 33, 39, 9, 9];
    const logits = new Float32Array(5 * 44);
    chosen.forEach((token, s) => (logits[(4 - s) * 44 + token] = 5));
    const slots = Uint32Array.from([4, 3, 2, 1, 0].flatMap((s) => [4 - s, s]));
    await withGpu(variant, async (bench) => {
      const tensors = uploadDecode(bench, scene);
      sampleTokens(
        bench.rec,
        { ...tensors, slots: bench.input(slots), logits: bench.input(logits, [5, 44]) },
        { ...GREEDY, slots: 5, vocabulary: 40, maxNew: 3, key: KEY },
      );
      const [state, masks] = await bench.readU32(tensors.state, tensors.masks);
      const want = decodeWords({
        ...scene,
        sequences: [
          { tokens: [1, 20], seen: [20] },
          { tokens: [1, 33], seen: [33], done: true },
          { tokens: [2, 2, 39], seen: [39], done: true },
          ...scene.sequences.slice(3),
        ],
      });
      expect(Array.from(state)).toEqual(Array.from(want.state));
      expect(Array.from(masks)).toEqual(Array.from(want.masks));
    });
  });

  it('prepares the next step from each sequence: last token, position, cache row and visible keys', async () => {
    const scene: DecodeScene = {
      vocabulary: 40,
      maxNew: 3,
      sequences: [
        { tokens: [11], place: [0, 5, 100, 40] },
        { tokens: [12, 13, 14], place: [5, 9, 200, 43] },
        { tokens: [15, 16], place: [5, 9, 300, 46] },
      ],
    };
    await withGpu(variant, async (bench) => {
      const { rec, input, output, readU32 } = bench;
      const slots = input(Uint32Array.of(0, 2, 1, 0, 2, 1));
      const [ids, tableRow, kvRow, ranges] = [output([3]), output([3]), output([3]), output([3, 4])];
      const tensors = { ...uploadDecode(bench, scene), slots, ids, tableRow, kvRow, ranges };
      prepareDecodeStep(rec, tensors, { slots: 3, maxNew: 3 });
      const got = (await readU32(ids, tableRow, kvRow, ranges)).map((words) => Array.from(words));
      expect(got).toEqual([
        [16, 11, 14],
        [301, 100, 202],
        [47, 40, 45],
        [5, 9, 46, 48, 0, 5, 40, 41, 5, 9, 43, 46],
      ]);
    });
  });
});

interface SamplingFile {
  cases: { name: string; options: FileOptions }[];
  tolerance: { atol: number; rtol: number };
}

/** In transformers' names. */
interface FileOptions {
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
  suppress_tokens?: number[];
}

function optionsOf(options: FileOptions): SamplingOptions {
  return {
    temperature: options.temperature ?? 1,
    topK: options.top_k ?? 0,
    topP: options.top_p ?? 1,
    minP: options.min_p ?? 0,
    repetitionPenalty: options.repetition_penalty ?? 1,
  };
}
