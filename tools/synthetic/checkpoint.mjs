// Weight files in the hub's form, written piece by piece: memory stays small whatever the model.

import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { valuesOf } from './values.mjs';

const BF16_BYTES = 2;
const PIECE_BYTES = 8 * 2 ** 20;

const elementsOf = ({ shape }) => shape.reduce((product, size) => product * size, 1);
const bytesOf = (tensor) => elementsOf(tensor) * BF16_BYTES;
const totalBytes = (tensors) => tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);

/** Cuts a list of tensors where a file would exceed `shardBytes`, as transformers does when it saves. */
function cut(tensors, shardBytes) {
  const shards = [];
  let filled = Infinity;
  for (const tensor of tensors) {
    if (filled + bytesOf(tensor) > shardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1).push(tensor);
    filled += bytesOf(tensor);
  }
  // Inside a file the safetensors library lays tensors of one type by name.
  return shards.map((shard) => shard.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

function headerOf(tensors) {
  const header = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const tensor of tensors) {
    const end = at + bytesOf(tensor);
    header[tensor.name] = { dtype: 'BF16', shape: tensor.shape, data_offsets: [at, end] };
    at = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const bytes = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8));
  json.copy(bytes, 8);
  return bytes;
}

async function writeTensor(file, tensor, seed, words) {
  const fill = valuesOf(tensor, seed);
  const bytes = bytesOf(tensor);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, bytes - at);
    fill(words, at / 4, Math.ceil(length / 4));
    await file.writeFile(new Uint8Array(words.buffer, 0, length));
  }
}

async function writeShard(path, tensors, seed, words) {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(headerOf(tensors));
    for (const tensor of tensors) await writeTensor(file, tensor, seed, words);
  } finally {
    await file.close();
  }
}

/**
 * Writes a checkpoint's weights: one `model.safetensors`, or shards with their index.
 * @param {string} folder that exists
 * @param {import('./tensors.mjs').TensorSpec[]} tensors in the order of the state dict
 * @param {{seed: number, shardBytes: number, onFile?: (name: string, bytes: number) => void}} options
 * @returns {Promise<{files: string[], bytes: number}>} bytes of the tensors
 * @throws when a file of that name exists
 */
export async function writeCheckpoint(folder, tensors, { seed, shardBytes, onFile = () => {} }) {
  const shards = cut(tensors, shardBytes);
  const number = (value) => String(value).padStart(5, '0');
  const nameOf = (i) => `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
  const files = shards.length === 1 ? ['model.safetensors'] : shards.map((_, i) => nameOf(i));
  const words = new Uint32Array(PIECE_BYTES / 4);
  for (const [i, shard] of shards.entries()) {
    onFile(files[i], totalBytes(shard));
    await writeShard(join(folder, files[i]), shard, seed, words);
  }
  const bytes = totalBytes(tensors);
  if (shards.length > 1) {
    const places = shards.flatMap((shard, i) => shard.map(({ name }) => [name, files[i]])).sort();
    const index = { metadata: { total_size: bytes }, weight_map: Object.fromEntries(places) };
    await writeFile(join(folder, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
  }
  return { files, bytes };
}
