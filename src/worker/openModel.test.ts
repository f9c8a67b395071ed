// @vitest-environment node
// The demo model as a picked folder, with files changed as people's folders have them.

import { expect, test } from 'vitest';
import { parseSafetensors, writeSafetensors } from '../formats/safetensors';
import { openModel, type OpenModel } from './openModel';
import { rememberHead } from './tiedHead';
import { changedJson, demoFile, demoFolder } from '../base/testing/demoFolder';

type Changes = Parameters<typeof demoFolder>[0];

function open(changes: Changes = {}): Promise<OpenModel> {
  return openModel({ kind: 'files', name: 'my-model', files: demoFolder(changes) });
}

/** What transformers 5.23 saves: no preprocessor_config.json, the chat template in a file of its own. */
function savedByTransformers5(): Changes {
  const { chat_template: template } = JSON.parse(changedJson('tokenizer_config.json', () => {})) as {
    chat_template: string;
  };
  const image = JSON.parse(changedJson('preprocessor_config.json', () => {})) as object;
  return {
    'preprocessor_config.json': null,
    'chat_template.json': null,
    'tokenizer_config.json': changedJson<{ chat_template?: string }>('tokenizer_config.json', (config) => {
      delete config.chat_template;
    }),
    'chat_template.jinja': template,
    'processor_config.json': JSON.stringify({ image_processor: image, processor_class: 'Qwen2_5_VLProcessor' }),
  };
}

/** Half of the demo's tensors. */
function halfOfTheWeights(): Blob {
  const { tensors } = parseSafetensors(demoFile('model.safetensors'));
  const names = [...tensors.keys()].sort();
  const kept = names.slice(0, names.length / 2).map((name) => ({ name, ...tensors.get(name)! }));
  return new Blob([writeSafetensors(kept).slice()]);
}

test('a whole folder opens without a remark, under the folder’s name', async () => {
  const model = await open();
  expect(model).toMatchObject({ name: 'my-model', notices: [] });
  expect(model.weightFiles.map(({ name }) => name)).toEqual(['model.safetensors']);
});

test('a token that the embedding has no row for is warned of at load, with the largest id and the rows', async () => {
  const token = { id: 549, content: '<|part|>', single_word: false, lstrip: false, rstrip: false, normalized: false };
  const model = await open({
    'tokenizer.json': changedJson<{ added_tokens: object[] }>('tokenizer.json', (file) => {
      file.added_tokens.push({ ...token, special: false });
    }),
  });
  expect(model.notices).toEqual([
    expect.objectContaining({
      level: 'warning',
      code: 'tokenizer.embedding',
      message: expect.stringMatching(/token ids up to 549, the model's embedding has 544 rows/) as string,
    }),
  ]);
});

test('weights that lack tensors end the load by their headers, with the name of the file', async () => {
  const opening = open({ 'model.safetensors': halfOfTheWeights(), 'model-00001-of-00001.safetensors': 'any' });
  await expect(opening).rejects.toMatchObject({
    code: 'weights.tensorMissing',
    message: expect.stringMatching(/^model\.safetensors: no tensor /) as string,
    hint: expect.stringMatching(/other weights beside model\.safetensors/) as string,
  });
});

test('a folder saved by transformers 5 opens with the processor and the chat template of the published files', async () => {
  const published = await open();
  const saved = await open(savedByTransformers5());
  expect(saved.notices).toEqual([]);
  expect(saved.text.processor).toEqual(published.text.processor);
  expect(saved.text.chatTemplate).toBe(published.text.chatTemplate);
});

test('processor_config.json of an older form does not replace preprocessor_config.json, and is named where that lacks', async () => {
  const older = { 'processor_config.json': JSON.stringify({ processor_class: 'Qwen2_5_VLProcessor' }) };
  expect((await open(older)).text.processor).toEqual((await open()).text.processor);
  await expect(open({ ...older, 'preprocessor_config.json': null })).rejects.toMatchObject({
    code: 'model.missing',
    message: expect.stringMatching(
      /no preprocessor_config\.json, and processor_config\.json has no image_processor/,
    ) as string,
  });
});

/** The demo's tensors, with some added or replaced. */
function weightsWith(
  added: Record<string, { dtype: 'BF16' | 'I32' | 'F8_E4M3'; shape: number[]; bytes: Uint8Array }>,
): Blob {
  const { tensors } = parseSafetensors(demoFile('model.safetensors'));
  const all = { ...Object.fromEntries(tensors), ...added };
  return new Blob([writeSafetensors(Object.entries(all).map(([name, tensor]) => ({ name, ...tensor }))).slice()]);
}

/** The demo's embedding as a head, with one byte changed or none. */
function headOf(change: (bytes: Uint8Array) => void): Blob {
  const embedding = parseSafetensors(demoFile('model.safetensors')).tensors.get('model.embed_tokens.weight')!;
  const bytes = embedding.bytes.slice();
  change(bytes);
  return weightsWith({ 'lm_head.weight': { dtype: 'BF16', shape: embedding.shape, bytes } });
}

test('a tied model whose files hold the same head once more stays tied, without a remark', async () => {
  const model = await open({ 'model.safetensors': headOf(() => {}) });
  expect(model).toMatchObject({ notices: [], config: { tieWordEmbeddings: true } });
});

/** The folder as the browser gives it, with the bytes that are read of its weights. */
function picked(weights: Blob, lastModified: number) {
  const read = { bytes: 0 };
  const file = new File([weights], 'model.safetensors', { lastModified });
  const slice = file.slice.bind(file);
  file.slice = (from = 0, to = file.size) => {
    read.bytes += to - from;
    return slice(from, to);
  };
  const source = { kind: 'files' as const, name: 'mine', files: demoFolder({ 'model.safetensors': file }) };
  return { source, read };
}

test('who opens a model again and again compares its head once, and anew once the files are others', async () => {
  const embedding = parseSafetensors(demoFile('model.safetensors')).tensors.get('model.embed_tokens.weight')!;
  const both = 2 * embedding.bytes.length;
  const findHead = rememberHead();
  const opened = async (weights: Blob, lastModified: number) => {
    const { source, read } = picked(weights, lastModified);
    const { config } = await openModel(source, findHead);
    return { tied: config.tieWordEmbeddings, compared: read.bytes >= both };
  };
  const equal = headOf(() => {});
  expect(await opened(equal, 1)).toEqual({ tied: true, compared: true });
  expect(await opened(equal, 1)).toEqual({ tied: true, compared: false });
  const own = headOf((bytes) => (bytes[bytes.length - 2]! ^= 1));
  expect(await opened(own, 2)).toEqual({ tied: false, compared: true });
  expect(await opened(own, 2)).toEqual({ tied: false, compared: false });
});

test('a head with other values than the embedding is used, as in transformers, and said', async () => {
  const last = headOf((bytes) => (bytes[bytes.length - 2]! ^= 1));
  const model = await open({ 'model.safetensors': last });
  expect(model.config.tieWordEmbeddings).toBe(false);
  expect(model.notices).toEqual([expect.objectContaining({ level: 'warning', code: 'weights.ownHead' })]);
});

test('tensors that have no place in the model are named; what older files hold for convenience is not', async () => {
  const tensor = { dtype: 'BF16' as const, shape: [2], bytes: new Uint8Array(4) };
  const extra = { 'value_head.weight': tensor, 'model.layers.0.self_attn.rotary_emb.inv_freq': tensor };
  const { notices } = await open({ 'model.safetensors': weightsWith(extra) });
  expect(notices).toEqual([
    expect.objectContaining({
      code: 'weights.unused',
      message: '1 tensors of the files have no place in this model and are left aside: value_head.weight.',
    }),
  ]);
});

test.each([
  ['AWQ', { quant_method: 'awq', bits: 4 }],
  ['GPTQ', { quant_method: 'gptq', bits: 4 }],
  ['FP8', { quant_method: 'fp8' }],
  ['bitsandbytes', { quant_method: 'bitsandbytes', load_in_4bit: true }],
  ['bitsandbytes', { load_in_8bit: true }],
  ['unknown', { bits: 4 }],
])('a config.json of a quantized checkpoint is refused by the method: %s', async (method, quantization_config) => {
  const config = changedJson<object>('config.json', (value) => Object.assign(value, { quantization_config }));
  await expect(open({ 'config.json': config })).rejects.toMatchObject({
    code: 'config.unsupported',
    message: expect.stringContaining(`(${method})`) as string,
  });
});

test.each([
  ['AWQ or GPTQ', 'model.layers.0.mlp.up_proj.qweight', 'I32' as const],
  ['bitsandbytes 4-bit', 'model.layers.0.mlp.up_proj.weight.absmax', 'I32' as const],
  ['FP8', 'model.layers.0.mlp.up_proj.weight', 'F8_E4M3' as const],
])(
  'weights of a quantized checkpoint are refused by the method, whatever config.json says: %s',
  async (method, name, dtype) => {
    const added = { [name]: { dtype, shape: [4], bytes: new Uint8Array(dtype === 'I32' ? 16 : 4) } };
    await expect(open({ 'model.safetensors': weightsWith(added) })).rejects.toMatchObject({
      code: 'weights.quantized',
      message: expect.stringMatching(`^tensor "${name}" \\(${dtype}\\) is part of .*\\(${method}\\)`) as string,
    });
  },
);

test('a git-LFS pointer in place of a JSON file is named as such', async () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 25068\n';
  await expect(open({ 'tokenizer.json': pointer })).rejects.toMatchObject({
    code: 'model.json',
    message: 'tokenizer.json: this is a git-LFS pointer, not the file itself',
  });
});

test.each([
  ...['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'],
  ...['preprocessor_config.json', 'chat_template.json', 'model.safetensors.index.json'],
])('%s that is JSON but no object is named', async (name) => {
  // The index is read where there is no single file.
  const weights: Changes = name === 'model.safetensors.index.json' ? { 'model.safetensors': null } : {};
  for (const text of ['null', '[]', '"text"', '3']) {
    const named = { message: expect.stringMatching(`^${name}: expected (a JSON|an) object`) as string };
    await expect(open({ ...weights, [name]: text })).rejects.toMatchObject({
      code: expect.stringMatching(/^(model\.json|weights\.index)$/) as string,
      ...named,
    });
  }
});

test('a list of chat templates may hold what is no template', async () => {
  const list = [null, 3, { name: 'default', template: 'the one' }];
  const { text } = await open({ 'chat_template.json': JSON.stringify({ chat_template: list }) });
  expect(text.chatTemplate).toBe('the one');
});
