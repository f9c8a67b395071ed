import { describe, expect, it } from 'vitest';
import { threefry2x32, unitFloat } from '../base/random';
import { withGpu } from '../gpu/testGpu';
import { expectTensor } from './testing/expectTensor';

/** Runs lib/random.wgsl over (key, counter) quadruples. */
const SOURCE = `
// import lib/random.wgsl
struct Params {
  count: u32,
}
@group(0) @binding(0) var<storage, read> asked: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> words: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> floats: array<vec2f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) {
    let word = threefry2x32(asked[id.x].xy, asked[id.x].zw);
    words[id.x] = word;
    floats[id.x] = vec2f(unit_float(word.x), gumbel(asked[id.x].x));
  }
}
`;

/** Key words and counter words. */
type Asked = [number, number, number, number];

async function onGpu(asked: Asked[]): Promise<{ words: number[][]; unit: number[]; gumbel: number[] }> {
  let out = { words: [] as number[][], unit: [] as number[], gumbel: [] as number[] };
  await withGpu('software', async ({ rec, input, output, read, readU32 }) => {
    const count = asked.length;
    const [words, floats] = [output([count, 2]), output([count, 2])];
    const bindings = { asked: input(Uint32Array.from(asked.flat())), words, floats };
    rec.dispatch(
      { name: 'random test', source: SOURCE },
      { bindings, uniforms: { count }, grid: [Math.ceil(count / 64)], flops: 100 * count },
    );
    const [wordList] = await readU32(words);
    const [floatList] = await read(floats);
    out = {
      words: asked.map((_, i) => [wordList[i * 2]!, wordList[i * 2 + 1]!]),
      unit: asked.map((_, i) => floatList[i * 2]!),
      gumbel: asked.map((_, i) => floatList[i * 2 + 1]!),
    };
  });
  return out;
}

/** Key words, counter words and result of the authors' implementation: Random123, kat_vectors, threefry2x32 20. */
const KNOWN: [...Asked, number, number][] = [
  [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
  [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
];

describe('random numbers on the GPU', () => {
  it("give the authors' known answers", async () => {
    const { words } = await onGpu(KNOWN.map(([k0, k1, c0, c1]) => [k0, k1, c0, c1]));
    expect(words).toEqual(KNOWN.map((row) => row.slice(4)));
    expect(KNOWN.map(([k0, k1, c0, c1]) => threefry2x32(k0, k1, c0, c1))).toEqual(words);
  });

  it('equal src/base/random for many keys and counters', async () => {
    const asked = Array.from({ length: 1000 }, (_, i): Asked => [
      (i * 0x9e3779b9) >>> 0,
      ~i >>> 0,
      (i >> 3) >>> 0,
      (i * 77) >>> 0,
    ]);
    const { words, unit } = await onGpu(asked);
    const want = asked.map(([k0, k1, c0, c1]) => threefry2x32(k0, k1, c0, c1));
    expect(words).toEqual(want);
    expect(unit).toEqual(want.map(([word]) => unitFloat(word)));
  });

  // A draw that is infinite would win against any logit: one word in 2^24 is often, over a vocabulary of 2^17.
  it('turn every word, the extreme ones too, into a finite Gumbel draw', async () => {
    const inner = Array.from({ length: 4000 }, (_, i) => i * 1073741 + 12345);
    const words = [0, 1, 2, 255, 256, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32 - 256, ...inner];
    const { gumbel } = await onGpu([...words, 2 ** 32 - 2, 2 ** 32 - 1].map((word) => [word, 0, 0, 0]));
    const want = words.map((word) => -Math.log(-Math.log1p(-(word + 0.5) * 2 ** -32)));
    expectTensor('gumbel', gumbel.slice(0, words.length), want, [words.length]);
    for (const draw of gumbel.slice(words.length)) {
      expect(draw).toBeGreaterThan(-3.5);
      expect(draw).toBeLessThan(-2.5);
    }
  });
});
