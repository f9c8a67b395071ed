// Names of Qwen2.5-VL tensors. Canonical are the hub checkpoints' names (`model.layers.N...`, `visual...`);
// the module names of transformers 5 are accepted. Must not read tensors.

import { check } from '../base/errors';
import type { WeightFiles } from '../formats/weightFiles';

const MODULE_PREFIXES: [string, string][] = [
  ['model.language_model.', 'model.'],
  ['model.visual.', 'visual.'],
  // Seen where the text model was saved apart from its wrapper (transformers 4.52 and later).
  ['language_model.model.', 'model.'],
  ['language_model.lm_head.', 'lm_head.'],
];

/** A tensor's hub name, from a hub name or a module name; other names are returned as they are. */
export function mapWeightName(name: string): string {
  for (const [from, to] of MODULE_PREFIXES) if (name.startsWith(from)) return to + name.slice(from.length);
  return name;
}

/**
 * The same weights under hub names.
 * @throws weights.names when two tensors of the files have the same hub name
 */
export function withHubNames(weights: WeightFiles): WeightFiles {
  const fileName = new Map<string, string>();
  for (const name of weights.names()) {
    const hubName = mapWeightName(name);
    const taken = fileName.get(hubName);
    check(taken === undefined, 'weights.names', `the tensors "${taken}" and "${name}" mean the same weight`);
    fileName.set(hubName, name);
  }
  const original = (name: string): string => fileName.get(name) ?? name;
  return {
    files: weights.files,
    notes: weights.notes,
    names: () => [...fileName.keys()],
    has: (name) => fileName.has(name),
    shape: (name) => weights.shape(original(name)),
    dtype: (name) => weights.dtype(original(name)),
    read: (name) => weights.read(original(name)),
    readElements: (name, from, to) => weights.readElements(original(name), from, to),
  };
}
