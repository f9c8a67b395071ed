// The base model onto the GPU, in the type that the run has decided on; its vision tower may leave and come again.

import type { BaseStorage as StorageType, Decisions } from '../budgets/decisions';
import type { Gpu } from '../gpu/gpu';
import { residentTower, type TowerSource } from '../infer/features';
import type { BaseStorage } from '../model/baseStorage';
import { freeTower, loadQwen25VL, loadTower, type Qwen25VL } from '../model/qwen25vl';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import { storedType } from './decide';
import { baseFingerprint } from './fingerprint';
import type { OpenModel } from './openModel';

const NAMED = { f32: 'float32', bf16: 'bfloat16', f16: 'float16' } as const;

/** A decision in the loader's words. */
function storageOf(gpu: Gpu, { weights }: OpenModel, recipe: Recipe, storage: StorageType): BaseStorage {
  const { dtype, bnb_4bit_use_double_quant: doubleQuant } = recipe;
  if (storage === 'nf4') return { dtype, nf4: { doubleQuant } };
  if (dtype !== 'auto') return { dtype, nf4: null };
  // `auto` widens on a software adapter what one buffer holds, and keeps a checkpoint of several types as it is.
  const isAuto = gpu.rec.variant === 'software' ? storage === 'f32' : storage === storedType(weights);
  return { dtype: isAuto ? 'auto' : NAMED[storage], nf4: null };
}

export interface LoadedBase {
  model: Qwen25VL;
  tower: TowerSource;
  /** Of its source, whatever it is stored as. */
  fingerprint: string;
}

/** @throws weights.*, gpu.* */
export async function loadBase(
  gpu: Gpu,
  opened: OpenModel,
  recipe: Recipe,
  { reporter, decisions }: { reporter: Reporter; decisions: Decisions },
): Promise<LoadedBase> {
  const { config, weights, configJson, weightFiles } = opened;
  const storage = storageOf(gpu, opened, recipe, decisions.storage);
  const { quantizedOnCpu, ...model } = await loadQwen25VL(gpu, weights, config, {
    storage,
    onProgress: (share) =>
      reporter.progress({ phase: 'load', done: Math.round(share * 100), total: 100, unit: 'percent of the weights' }),
  });
  if (quantizedOnCpu) {
    const message =
      'This GPU does not quantize to 4 bits as bitsandbytes does: the weights were quantized on the processor instead.';
    reporter.emit({ type: 'notice', level: 'info', code: 'gpu.quantize', message });
  }
  const tower = decisions.towerStays
    ? residentTower(model.vision)
    : leavingTower(gpu, model, () => loadTower(gpu, weights, config, storage));
  return { model, tower, fingerprint: await baseFingerprint(configJson, weightFiles) };
}

/** A tower that leaves the GPU when it is closed and is read again when it is opened. */
function leavingTower(gpu: Gpu, model: Qwen25VL, load: () => Promise<Qwen25VL['vision']>): TowerSource {
  let loaded: Qwen25VL['vision'] | null = model.vision;
  return {
    async open() {
      return (loaded ??= await load());
    },
    close() {
      if (loaded) freeTower(gpu, loaded);
      loaded = null;
    },
  };
}
