import { describe, expect, it } from 'vitest';
import { STREAM, streamKey, threefry2x32, unitFloat } from '../base/random';
import { VARIANTS, withGpu } from '../gpu/testGpu';
import { dropout } from './dropout';
import { expectTensor } from './testing/expectTensor';
import { testValues } from './testValues';

/** The mask by the rule of the design: (key, example, token in the example, channel) alone. */
function maskOf(places: number[][], channels: number, key: [number, number], p: number): number[] {
  return places.flatMap(([example = NaN, index = NaN]) => {
    const own = threefry2x32(key[0], key[1], example, index);
    return Array.from({ length: channels }, (_, c) => (unitFloat(threefry2x32(own[0], own[1], c, 0)[0]) >= p ? 1 : 0));
  });
}

const KEY = streamKey(42, STREAM.dropout, 3, 1, 7, 2);
const SCENES = [
  { places: [[0, 0]], channels: 1, p: 0.5 },
  {
    places: [
      [0, 0],
      [0, 1],
      [5, 0],
      [2, 900],
    ],
    channels: 13,
    p: 0.1,
  },
  { places: Array.from({ length: 19 }, (_, t) => [t % 3, t]), channels: 68, p: 0.05 },
  { places: [[1, 1]], channels: 8, p: 0 },
];

describe.each(VARIANTS)('dropout, %s kernels', (variant) => {
  it.each(SCENES)('drops by the counters of src/base/random: $channels channels, p = $p', async (scene) => {
    const { places, channels, p } = scene;
    const shape = [places.length, channels];
    const x = testValues(places.length * channels, 1);
    const before = testValues(x.length, 2);
    const want = maskOf(places, channels, KEY, p).map((keep, i) => (keep * x[i]!) / (1 - p));
    await withGpu(variant, async ({ rec, input, output, read }) => {
      const tensors = { x: input(x, shape), place: input(Uint32Array.from(places.flat())) };
      const [y, sum] = [output(shape), input(before, shape)];
      dropout(rec, { ...tensors, y }, { p, key: KEY });
      dropout(rec, { ...tensors, y: sum }, { p, key: KEY, accumulate: true });
      const [got, gotSum] = await read(y, sum);
      expectTensor('dropped', got, want, shape);
      // A dropped element is 0 itself, not something small.
      expect(Array.from(got, (v) => v === 0)).toEqual(want.map((v) => v === 0));
      expectTensor(
        'added',
        gotSum,
        want.map((v, i) => v + before[i]!),
        shape,
      );
    });
  });

  it('draws the same mask for a token wherever it is packed, and another for another key', async () => {
    const channels = 20;
    const places = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [4, 0],
    ];
    const order = [3, 0, 4, 2, 1];
    const ones = new Float32Array(5 * channels).fill(1);
    await withGpu(variant, async ({ rec, input, output, read }) => {
      const run = (list: number[][], key: [number, number]) => {
        const y = output([5, channels]);
        const place = input(Uint32Array.from(list.flat()));
        dropout(rec, { x: input(ones, [5, channels]), place, y }, { p: 0.5, key });
        return y;
      };
      const shuffled = order.map((i) => places[i]!);
      const [a, b, c] = await read(run(places, KEY), run(shuffled, KEY), run(places, [KEY[0], KEY[1] + 1]));
      order.forEach((from, to) => {
        const row = (all: Float32Array, r: number) => Array.from(all.slice(r * channels, (r + 1) * channels));
        expect(row(b, to)).toEqual(row(a, from));
      });
      expect(Array.from(c)).not.toEqual(Array.from(a));
    });
  });

  it('keeps the mean', async () => {
    const [tokens, channels, p] = [128, 256, 0.1];
    await withGpu(variant, async ({ rec, input, output, read }) => {
      const place = input(Uint32Array.from({ length: tokens * 2 }, (_, i) => (i % 2 ? i >> 1 : 9)));
      const y = output([tokens, channels]);
      dropout(
        rec,
        { x: input(new Float32Array(tokens * channels).fill(1), [tokens, channels]), place, y },
        { p, key: KEY },
      );
      const [got] = await read(y);
      const mean = got.reduce((a, b) => a + b, 0) / got.length;
      // Four standard deviations of the mean of 32,768 draws.
      expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(p / (1 - p) / got.length));
    });
  });
});
