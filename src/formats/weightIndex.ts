// model.safetensors.index.json: which file of a sharded checkpoint holds which tensor. Must not open the shards.

import { check, LorikeetError } from '../base/errors';
import { isJsonObject } from '../base/json';
import { readBytes } from './safetensors';

/** Name of the index in a repository. */
export const INDEX = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 64 * 2 ** 20;

/**
 * Reads the index.
 * @returns tensor name -> plain name of a safetensors file; never empty
 * @throws weights.index, file.read
 */
export async function readIndex(blob: Blob): Promise<Map<string, string>> {
  check(blob.size <= MAX_INDEX_BYTES, 'weights.index', `${INDEX}: ${blob.size} bytes, above the limit of 64 MiB`);
  let value: unknown;
  try {
    const bytes = await readBytes(blob, 0, blob.size, INDEX);
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    throw new LorikeetError('weights.index', `${INDEX}: not valid JSON: ${String(error)}`, 'Download it again.');
  }
  const map = isJsonObject(value) ? value.weight_map : undefined;
  check(
    isJsonObject(map) && Object.keys(map).length > 0,
    'weights.index',
    `${INDEX}: expected an object "weight_map" from tensor names to file names`,
    'Download it again.',
  );
  for (const [name, file] of Object.entries(map)) {
    check(
      typeof file === 'string' && /^[^/\\%]+\.safetensors$/.test(file) && !file.includes('..'),
      'weights.index',
      `${INDEX}: tensor "${name}" lies in ${JSON.stringify(file)}; expected the plain name of a safetensors file`,
      'Paths that leave the folder are refused; use the index of the original repository.',
    );
  }
  return new Map(Object.entries(map as Record<string, string>));
}
