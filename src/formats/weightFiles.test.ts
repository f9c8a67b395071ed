// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from './safetensors';
import { openWeights } from './weightFiles';

function blob(content: Uint8Array | string): Blob {
  return new Blob([typeof content === 'string' ? content : content.slice()]);
}

function tensorFile(...names: string[]): Blob {
  const bytes = new Uint8Array(new Float32Array([1, 2]).buffer);
  return blob(writeSafetensors(names.map((name) => ({ name, dtype: 'F32', shape: [2], bytes }))));
}

function index(map: Record<string, unknown>): Blob {
  return blob(JSON.stringify({ metadata: { total_size: 16 }, weight_map: map }));
}

const INDEX = 'model.safetensors.index.json';
const A = 'model-00001-of-00002.safetensors';
const B = 'model-00002-of-00002.safetensors';

describe('openWeights', () => {
  it('reads a single file', async () => {
    const weights = await openWeights({ 'model.safetensors': tensorFile('x', 'y') });
    expect(weights.names()).toEqual(['x', 'y']);
    expect(weights.shape('y')).toEqual([2]);
    expect(new Float32Array((await weights.read('y')).bytes.slice().buffer)).toEqual(new Float32Array([1, 2]));
    expect(weights.has('z')).toBe(false);
    await expect(weights.read('z')).rejects.toThrow(/no tensor "z"/);
  });

  it('reads shards by their index', async () => {
    const files = { [INDEX]: index({ x: A, y: B }), [A]: tensorFile('x'), [B]: tensorFile('y') };
    const weights = await openWeights(files);
    expect(weights.names()).toEqual(['x', 'y']);
    expect((await weights.read('x')).dtype).toBe('F32');
  });

  it('names a tensor with NaN or infinity and the element', async () => {
    const bytes = new Uint8Array(new Float32Array([1, Infinity]).buffer);
    const file = blob(writeSafetensors([{ name: 'w', dtype: 'F32', shape: [2], bytes }]));
    const weights = await openWeights({ 'model.safetensors': file });
    await expect(weights.read('w')).rejects.toThrow(/"w".*element 1/);
    const halves = new Uint8Array([0, 0x3c, 1, 0x7c]);
    const half = blob(writeSafetensors([{ name: 'h', dtype: 'F16', shape: [2], bytes: halves }]));
    await expect((await openWeights({ 'model.safetensors': half })).read('h')).rejects.toThrow(/element 1/);
  });

  const aside: [string, Record<string, Blob>, string[], RegExp][] = [
    [
      'the single file before the shards',
      { 'model.safetensors': tensorFile('x'), [INDEX]: index({ x: A }), [A]: tensorFile('x') },
      ['model.safetensors'],
      /read from model\.safetensors.*Left aside: model\.safetensors\.index\.json, model-00001-of-00002/,
    ],
    [
      'the shards of the index before others',
      { [INDEX]: index({ x: A }), [A]: tensorFile('x'), 'model-00001-of-00003.safetensors': tensorFile('y') },
      [A],
      /the 1 files of model\.safetensors\.index\.json.*Left aside: model-00001-of-00003/,
    ],
    [
      'the single file before weights of another name',
      { 'model.safetensors': tensorFile('x'), 'consolidated.safetensors': tensorFile('x', 'y') },
      ['model.safetensors'],
      /Left aside: consolidated\.safetensors\.$/,
    ],
  ];
  it.each(aside)('takes %s and says so', async (_, files, read, message) => {
    const weights = await openWeights(files);
    expect(weights.files).toEqual(read);
    expect(weights.names()).toEqual(['x']);
    expect(weights.notes).toEqual([{ code: 'weights.leftAside', message: expect.stringMatching(message) as string }]);
  });

  const notWhole: [string, Blob, RegExp][] = [
    ['that lacks tensors', tensorFile('x'), /^model\.safetensors lacks 1 of the 2 tensors that .* names: y\.$/],
    ['that is a git-LFS pointer', blob('version https://git-lfs'), /^model\.safetensors: this is a git-LFS pointer/],
  ];
  it.each(notWhole)('takes the shards before a single file %s, and says why', async (_, single, reason) => {
    const shards = { [INDEX]: index({ x: A, y: B }), [A]: tensorFile('x'), [B]: tensorFile('y') };
    const weights = await openWeights({ 'model.safetensors': single, ...shards });
    expect(weights.files).toEqual([A, B]);
    expect(weights.names()).toEqual(['x', 'y']);
    expect(weights.notes).toEqual([
      {
        code: 'weights.leftAside',
        message: `The weights are read from the 2 files of ${INDEX}. Left aside: model.safetensors.`,
      },
      { code: 'weights.notWhole', message: expect.stringMatching(reason) as string },
    ]);
  });

  it('takes the single file where shards of the index are missing', async () => {
    const files = { 'model.safetensors': tensorFile('x'), [INDEX]: index({ x: A, y: B }), [A]: tensorFile('x') };
    expect((await openWeights(files)).files).toEqual(['model.safetensors']);
  });

  it('reads a tensor where the index places it, and one that the index does not name where it lies, and says so', async () => {
    const both = await openWeights({
      [INDEX]: index({ x: A, z: B }),
      [A]: tensorFile('x', 'q'),
      [B]: tensorFile('x', 'z'),
    });
    expect(both.names().sort()).toEqual(['q', 'x', 'z']);
    expect(both.notes).toEqual([
      { code: 'weights.extraTensors', message: `Tensors that ${INDEX} does not name there: "q" in ${A}, "x" in ${B}.` },
    ]);
  });

  it('names the files that lack a tensor, and the other weights beside them as a likely cause', async () => {
    const weights = await openWeights({ 'model.safetensors': tensorFile('x'), [A]: tensorFile('y') });
    expect(() => weights.shape('y')).toThrow(
      expect.objectContaining({
        code: 'weights.tensorMissing',
        message: 'model.safetensors: no tensor "y" (found 1, e.g. x)',
        hint: expect.stringMatching(/other weights beside model\.safetensors/) as string,
      }),
    );
  });

  const bad: [string, Record<string, Blob>, string, RegExp][] = [
    ['no files', {}, 'weights.missing', /no files/],
    ['only a pickle', { 'pytorch_model.bin': blob('x') }, 'weights.pickle', /pytorch_model.bin/],
    ['missing shard', { [INDEX]: index({ x: A, y: B }), [A]: tensorFile('x') }, 'weights.shardMissing', /00002-of/],
    ['tensor in another shard', { [INDEX]: index({ x: A, y: A }), [A]: tensorFile('x') }, 'weights.revision', /y/],
    ['path outside the folder', { [INDEX]: index({ x: '../model.safetensors' }) }, 'weights.index', /\.\.\/model/],
    ['percent-encoded path', { [INDEX]: index({ x: '..%2Fm.safetensors' }) }, 'weights.index', /%2F/],
    ['index not JSON', { [INDEX]: blob('<html>') }, 'weights.index', /not valid JSON/],
    ['index without a map', { [INDEX]: blob('{}') }, 'weights.index', /weight_map/],
    ['git-LFS pointer', { 'model.safetensors': blob('version https://git-lfs') }, 'safetensors.format', /LFS/],
  ];
  it.each(bad)('refuses by name: %s', async (_, files, code, message) => {
    await expect(openWeights(files)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});
