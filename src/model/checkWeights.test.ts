// @vitest-environment node
// The demo checkpoint's own files.

import { expect, test } from 'vitest';
import { parseSafetensors, writeSafetensors } from '../formats/safetensors';
import { openWeights } from '../formats/weightFiles';
import { demoFile, demoFolder } from '../base/testing/demoFolder';
import { parseModelConfig } from './config';
import { checkWeights } from './qwen25vl';

const CONFIG = JSON.parse(new TextDecoder().decode(demoFile('config.json'))) as Record<string, unknown>;
const NORM = 'model.norm.weight';

/** The demo's weights without some tensors. */
function without(...names: string[]): Blob {
  const { tensors } = parseSafetensors(demoFile('model.safetensors'));
  const kept = [...tensors].filter(([name]) => !names.includes(name));
  return new Blob([writeSafetensors(kept.map(([name, tensor]) => ({ name, ...tensor }))).slice()]);
}

test('a whole checkpoint passes by its header alone', async () => {
  const { size } = demoFolder()['model.safetensors']!;
  let read = 0;
  class Counted extends Blob {
    override slice(start = 0, end = size): Blob {
      read += end - start;
      return super.slice(start, end);
    }
  }
  const weights = await openWeights({ 'model.safetensors': new Counted([demoFile('model.safetensors').slice()]) });
  await checkWeights(weights, parseModelConfig(CONFIG));
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(size / 20);
});

test('a tensor that is not there is named with the file', async () => {
  const weights = await openWeights({ 'model.safetensors': without(NORM) });
  await expect(checkWeights(weights, parseModelConfig(CONFIG))).rejects.toMatchObject({
    code: 'weights.tensorMissing',
    message: expect.stringMatching(/^model\.safetensors: no tensor "model\.norm\.weight"/) as string,
  });
});

test('a tensor of another size than config.json asks for is named', async () => {
  const weights = await openWeights(demoFolder());
  const config = { ...parseModelConfig(CONFIG), vocabSize: 545 };
  await expect(checkWeights(weights, config)).rejects.toMatchObject({
    code: 'weights.shape',
    message: expect.stringMatching(/^tensor model\.embed_tokens\.weight is \(544, \d+\)/) as string,
  });
});

/** The demo's weights with one tensor said to be of another shape. */
function reshaped(name: string, shape: number[]): Blob {
  const { tensors } = parseSafetensors(demoFile('model.safetensors'));
  const all = [...tensors].map(([key, tensor]) => ({
    name: key,
    ...tensor,
    shape: key === name ? shape : tensor.shape,
  }));
  return new Blob([writeSafetensors(all).slice()]);
}

test.each([
  ['a matrix by columns', 'model.layers.0.mlp.up_proj.weight', [128, 384]],
  ['a convolution with its channels last', 'visual.patch_embed.proj.weight', [64, 2, 14, 14, 3]],
])('%s, as other programs store it, is refused although the size fits', async (_, name, shape) => {
  const weights = await openWeights({ 'model.safetensors': reshaped(name, shape) });
  await expect(checkWeights(weights, parseModelConfig(CONFIG))).rejects.toMatchObject({
    code: 'weights.layout',
    message: expect.stringMatching(`^tensor ${name} is \\(${shape.join(', ')}\\)`) as string,
  });
});
