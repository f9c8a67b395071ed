// `npm run make:synthetic`: a folder in the form of a published Qwen2.5-VL checkpoint, with random weights. It has the
// real one's names, shapes, types and sizes, so that what only size breaks can be tried without the weights.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readInteger } from '../launcher/arguments.mjs';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { userPath } from '../train/inputs.mjs';
import { writeCheckpoint } from './checkpoint.mjs';
import { configOf, generationOf, PREPROCESSOR, SHAPES } from './shapes.mjs';
import { tensorsOf } from './tensors.mjs';

const names = Object.keys(SHAPES).join(', ');

export const options = {
  shape: { type: 'string', value: 'NAME', about: `sizes of the model: ${names}` },
  layers: { type: 'string', value: 'N', about: 'blocks of the language model and of the vision tower, if fewer' },
  'vision-layers': { type: 'string', value: 'N', about: 'blocks of the vision tower alone' },
  tokenizer: {
    type: 'string',
    value: 'DIR',
    about: "folder with tokenizer.json and tokenizer_config.json (default: the demo's)",
  },
  seed: { type: 'string', value: 'N', about: 'seed of the weights (default 0)' },
  out: { type: 'string', value: 'DIR', about: 'a new or empty folder for the model' },
};

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'];
/** Copied where the folder has them. */
const MORE_TOKENIZER_FILES = ['vocab.json', 'merges.txt', 'chat_template.json'];
const SPECIAL = ['<|endoftext|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>'].concat([
  '<|vision_pad|>',
  '<|image_pad|>',
  '<|video_pad|>',
]);

/** Ids of the special tokens by their text. @throws Failure where the tokenizer lacks one or has more ids than rows */
function specialIds(path, rows) {
  const tokenizer = JSON.parse(readFileSync(path, 'utf8'));
  const ids = Object.fromEntries(tokenizer.added_tokens.map(({ content, id }) => [content, id]));
  const missing = SPECIAL.filter((token) => ids[token] === undefined);
  if (missing.length > 0) throw new Failure(`${path} has no token ${missing.join(', no ')}.`);
  const all = [...Object.values(tokenizer.model.vocab), ...Object.values(ids)];
  const largest = all.reduce((most, id) => Math.max(most, id), 0);
  if (largest >= rows) throw new Failure(`${path} has ids up to ${largest}; this shape has ${rows} rows of embedding.`);
  return ids;
}

function checkTokenizer(folder) {
  for (const name of TOKENIZER_FILES) {
    if (!existsSync(join(folder, name)))
      throw new Failure(`${join(folder, name)} does not exist.`, 'Name a folder with it in --tokenizer.');
  }
}

function prepareFolder(path) {
  mkdirSync(path, { recursive: true });
  if (readdirSync(path).length > 0) throw new Failure(`${path} is not empty.`, 'Name a new folder in --out.');
}

function writeJson(folder, name, value) {
  writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}

function copyTokenizer(from, to) {
  for (const name of [...TOKENIZER_FILES, ...MORE_TOKENIZER_FILES]) {
    // Not copyFile, which keeps a write protection.
    if (existsSync(join(from, name))) writeFileSync(join(to, name), readFileSync(join(from, name)));
  }
  if (existsSync(join(to, 'chat_template.json'))) return;
  // The hub's folders have the template in both places.
  const { chat_template } = JSON.parse(readFileSync(join(to, 'tokenizer_config.json'), 'utf8'));
  if (chat_template !== undefined) writeJson(to, 'chat_template.json', { chat_template });
}

/**
 * Makes a model's folder.
 * @param {{shape: keyof typeof SHAPES, layers?: number, visionLayers?: number, vocab?: number, tokenizer?: string,
 *   seed?: number, out: string, onFile?: (name: string, bytes: number) => void}} request
 * @returns {Promise<{files: string[], bytes: number}>} the weight files
 * @throws Failure for a folder that is not empty, or a tokenizer that does not fit
 */
export async function makeSynthetic({ shape, seed = 0, out, onFile, ...request }) {
  const { layers: whole, vision, shardBytes } = SHAPES[shape];
  const vocab = request.vocab ?? SHAPES[shape].vocab;
  const layers = request.layers ?? whole;
  const visionLayers = request.visionLayers ?? Math.min(vision.depth, request.layers ?? vision.depth);
  const tokenizer = request.tokenizer ?? inRepository('public', 'demo', 'model');
  checkTokenizer(tokenizer);
  const ids = specialIds(join(tokenizer, 'tokenizer.json'), vocab);
  const config = { ...configOf(shape, { layers, visionLayers }, ids), vocab_size: vocab };
  prepareFolder(out);
  copyTokenizer(tokenizer, out);
  const weights = await writeCheckpoint(out, tensorsOf(config), { seed, shardBytes, onFile });
  writeJson(out, 'generation_config.json', generationOf(ids));
  writeJson(out, 'preprocessor_config.json', PREPROCESSOR);
  // Last, so that a folder that was cut short is not taken for a model.
  writeJson(out, 'config.json', config);
  return weights;
}

function readCount(flag, text, high) {
  return text === undefined ? undefined : readInteger(flag, text, 1, high);
}

/**
 * @param {Record<string, string | undefined>} flags
 * @returns {Promise<number>} exit code
 */
export async function run(flags) {
  if (!Object.hasOwn(SHAPES, flags.shape ?? ''))
    throw new Failure(`--shape ${flags.shape ?? '(none)'}: expected one of ${names}.`);
  if (!flags.out) throw new Failure('--out is missing: the folder to write to.');
  const { files, bytes } = await makeSynthetic({
    shape: flags.shape,
    layers: readCount('layers', flags.layers, 1000),
    visionLayers: readCount('vision-layers', flags['vision-layers'], 1000),
    tokenizer: flags.tokenizer && userPath(flags.tokenizer),
    seed: flags.seed === undefined ? 0 : readInteger('seed', flags.seed, 0, 2 ** 32 - 1),
    out: userPath(flags.out),
    onFile: (name, size) => process.stdout.write(`  ${name}: ${(size / 1e9).toFixed(2)} GB\n`),
  });
  process.stdout.write(`${files.length} weight files, ${bytes} bytes of bfloat16, in ${flags.out}\n`);
  return 0;
}
