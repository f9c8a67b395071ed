import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openAsBlob,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openModel } from '../../src/worker/openModel';
import { configOf, SHAPES } from './shapes.mjs';
import { makeSynthetic } from './synthetic.mjs';
import { tensorsOf } from './tensors.mjs';
import { valuesOf } from './values.mjs';

const root = mkdtempSync(join(tmpdir(), 'lorikeet-synthetic-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function filesOf(folder) {
  const names = readdirSync(folder);
  const blobs = await Promise.all(names.map((name) => openAsBlob(join(folder, name))));
  return Object.fromEntries(names.map((name, i) => [name, blobs[i]]));
}

function elementsOf(shape) {
  const depth = { layers: SHAPES[shape].layers, visionLayers: SHAPES[shape].vision.depth };
  const tensors = tensorsOf(configOf(shape, depth, {}));
  const elements = tensors.reduce((sum, tensor) => sum + tensor.shape.reduce((product, size) => product * size, 1), 0);
  return { tensors: tensors.length, elements };
}

test('the real shapes have as many tensors and values as the published checkpoints', () => {
  // Half of `total_size` in the hub's model.safetensors.index.json, which counts bytes of bfloat16.
  expect(elementsOf('3b')).toEqual({ tensors: 824, elements: 7_509_245_952 / 2 });
  expect(elementsOf('7b')).toEqual({ tensors: 729, elements: 16_584_333_312 / 2 });
});

test('a folder opens as a whole checkpoint in shards', async () => {
  const out = join(root, 'small');
  const { files } = await makeSynthetic({ shape: 'small', out });
  expect(files).toEqual(['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']);
  const model = await openModel({ kind: 'files', name: 'small', files: await filesOf(out) });
  expect(model).toMatchObject({ notices: [], config: { layers: 4, vision: { depth: 4 }, imageTokenId: 513 } });
  expect(model.weights.dtype('model.norm.weight')).toBe('BF16');
  // Reads every tensor: none holds NaN or infinity.
  for (const name of model.weights.names()) await model.weights.read(name);
});

test('a seed gives the same bytes again, another seed others', async () => {
  const bytes = async (seed, name) => {
    const out = join(root, name);
    const { files } = await makeSynthetic({ shape: 'small', layers: 1, seed, out });
    expect(files).toEqual(['model.safetensors']);
    return readFileSync(join(out, 'model.safetensors'));
  };
  const first = await bytes(7, 'first');
  expect((await bytes(7, 'again')).equals(first)).toBe(true);
  expect((await bytes(8, 'other')).equals(first)).toBe(false);
});

test('a folder that is not empty is refused, and so is a tokenizer with more ids than rows, before anything is written', async () => {
  const out = join(root, 'taken');
  await makeSynthetic({ shape: 'small', layers: 1, out });
  await expect(makeSynthetic({ shape: 'small', layers: 1, out })).rejects.toThrow(/is not empty/);
  const json = JSON.parse(readFileSync(join(out, 'tokenizer.json'), 'utf8'));
  json.added_tokens.push({ id: 544, content: '<|more|>' });
  const tokenizer = join(root, 'tokenizer');
  mkdirSync(tokenizer);
  writeFileSync(join(tokenizer, 'tokenizer.json'), JSON.stringify(json));
  writeFileSync(join(tokenizer, 'tokenizer_config.json'), '{}');
  const beyond = join(root, 'beyond');
  await expect(makeSynthetic({ shape: 'small', tokenizer, out: beyond })).rejects.toThrow(/ids up to 544.*544 rows/);
  expect(existsSync(beyond)).toBe(false);
});

test('values are normal with the wanted mean and deviation, whatever pieces they are made in', () => {
  const fill = valuesOf({ name: 'w', mean: 1, sd: 0.5 }, 0);
  const words = new Uint32Array(32768);
  fill(words, 0, words.length);
  const piece = new Uint32Array(5);
  fill(piece, 1000, 5);
  expect([...piece]).toEqual([...words.subarray(1000, 1005)]);
  const values = [...words].flatMap((word) => [word << 16, word & 0xffff0000]);
  const floats = new Float32Array(new Int32Array(values).buffer);
  const moment = (power) => floats.reduce((sum, x) => sum + ((x - 1) / 0.5) ** power, 0) / floats.length;
  // 65,536 values: three standard errors of each moment of a normal distribution.
  expect(Math.abs(moment(1))).toBeLessThan(3 * Math.sqrt(1 / floats.length));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(3 * Math.sqrt(2 / floats.length));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(3 * Math.sqrt(96 / floats.length));
});
