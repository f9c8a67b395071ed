// The numbers that a LoRA module starts with. Pure functions of seed and counters; must not know the model's layout.

import { STREAM, streamKey, threefry2x32, uniformArray } from '../base/random';

/** PEFT's `init_lora_weights`, the supported values. */
export type LoraInit = true | false | 'gaussian';

/**
 * `count` normal numbers of mean 0: Box-Muller over the words of a stream, two numbers to a pair of words.
 * @param sd standard deviation @param key of the stream
 */
export function normalArray(count: number, sd: number, key: readonly [number, number]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const [first, second] = threefry2x32(key[0], key[1], i / 2, 0);
    // 1 to 2^32 over 2^32: never 0, so the logarithm is finite.
    const radius = sd * Math.sqrt(-2 * Math.log((first + 1) * 2 ** -32));
    const angle = 2 * Math.PI * second * 2 ** -32;
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** torch.nn.Linear's own start, Kaiming-uniform with a = sqrt 5: U(-1 / sqrt(fanIn), 1 / sqrt(fanIn)). */
function linearStart(count: number, fanIn: number, key: [number, number]): Float32Array {
  const bound = 1 / Math.sqrt(fanIn);
  return uniformArray(count, -bound, bound, key);
}

/**
 * A (r, in) and B (out, r) of one module, row-major.
 * @param init true: A as nn.Linear, B zero; `gaussian`: A normal with sd 1 / r, B zero; false: both as nn.Linear
 * @param counters name the module within the run, e.g. layer and place
 * Source: peft 0.21 LoraLayer.reset_lora_parameters.
 */
export function initialFactors(
  shape: { r: number; in: number; out: number },
  init: LoraInit,
  seed: number,
  counters: readonly number[],
): { A: Float32Array; B: Float32Array } {
  const { r, in: width, out } = shape;
  const key = streamKey(seed, STREAM.init, ...counters);
  const A = init === 'gaussian' ? normalArray(r * width, 1 / r, key) : linearStart(r * width, width, key);
  // B's input is the r numbers that A puts out.
  const bKey = streamKey(seed, STREAM.init, ...counters, 1);
  return { A, B: init === false ? linearStart(out * r, r, bKey) : new Float32Array(out * r) };
}
