// How far two adapters are apart. Works on plain arrays.

import type { LoraPair } from '../../formats/peft';
import { check } from '../../base/errors';
import type { AdapterDistance } from './messages';
import type { AdapterTensors } from './trlFolder';

/** Sums of squares of a difference and of the values it is measured against. */
interface Squares {
  difference: number;
  value: number;
}

function squares(ours: Float32Array, theirs: Float32Array): Squares {
  const out: Squares = { difference: 0, value: 0 };
  theirs.forEach((value, i) => {
    out.difference += (ours[i]! - value) ** 2;
    out.value += value ** 2;
  });
  return out;
}

/** Equal zeros are 0 apart. */
function ratio({ difference, value }: Squares): number {
  return difference === 0 ? 0 : Math.sqrt(difference / value);
}

/** Our factors under PEFT's keys. */
export function peftTensors(pairs: readonly LoraPair[]): AdapterTensors {
  const out: AdapterTensors = new Map();
  for (const { layer, module, A, B } of pairs) {
    const block = ['gate_proj', 'up_proj', 'down_proj'].includes(module) ? 'mlp' : 'self_attn';
    const key = `base_model.model.model.language_model.layers.${layer}.${block}.${module}`;
    out.set(`${key}.lora_A.weight`, A).set(`${key}.lora_B.weight`, B);
  }
  return out;
}

/**
 * @param ours tensors by PEFT's key @param theirs TRL's, which the distances are relative to
 * @throws parity.adapter unless both have the same tensors
 */
export function adapterDistance(ours: AdapterTensors, theirs: AdapterTensors): AdapterDistance {
  const all: Squares = { difference: 0, value: 0 };
  const out: AdapterDistance = { worst: 0, tensor: '', whole: 0 };
  check(ours.size === theirs.size, 'parity.adapter', `our adapter has ${ours.size} tensors, TRL's ${theirs.size}`);
  for (const [key, theirValues] of theirs) {
    const ourValues = ours.get(key);
    check(ourValues?.length === theirValues.length, 'parity.adapter', `${key}: sizes differ, or it is missing`);
    const part = squares(ourValues, theirValues);
    all.difference += part.difference;
    all.value += part.value;
    if (!(ratio(part) <= out.worst)) Object.assign(out, { worst: ratio(part), tensor: key });
  }
  return { ...out, whole: ratio(all) };
}
