// The base model onto the GPU, in the type that the run has decided on; its vision tower may leave and come again.

import type { Decisions } from '../budgets/decisions';
import type { Gpu } from '../gpu/gpu';
import { residentTower, type TowerSource } from '../infer/features';
import { freeTower, loadQwen25VL, loadTower, type Qwen25VL } from '../model/qwen25vl';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import { storageOptions } from './decide';
import { baseFingerprint } from './fingerprint';
import type { OpenModel } from './openModel';

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
  if (decisions.storage === 'nf4' && recipe.load_in_4bit === null) {
    const message =
      'The base model is kept in 4 bits (NF4): as stored it would not fit beside the training. load_in_4bit decides it.';
    reporter.emit({ type: 'notice', level: 'info', code: 'gpu.loadIn4bit', message });
  }
  const storage = storageOptions(decisions, recipe);
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
  const tower = towerOf(gpu, model, decisions, () =>
    loadTower(gpu, weights, config, { storage, quantizeOnCpu: quantizedOnCpu }),
  );
  return { model, tower, fingerprint: await baseFingerprint(configJson, weightFiles) };
}

/** The tower of a model as the run has decided: it stays, or leaves the GPU and is loaded again. */
export function towerOf(
  gpu: Gpu,
  model: Pick<Qwen25VL, 'vision'>,
  { towerStays }: Pick<Decisions, 'towerStays'>,
  load: () => Promise<Qwen25VL['vision']>,
): TowerSource {
  return towerStays ? residentTower(model.vision) : leavingTower(gpu, model, load);
}

/** A tower that leaves the GPU when it is closed and is read again when it is opened. */
function leavingTower(gpu: Gpu, model: Pick<Qwen25VL, 'vision'>, load: () => Promise<Qwen25VL['vision']>): TowerSource {
  let loaded: Qwen25VL['vision'] | null = model.vision;
  return {
    config: model.vision.config,
    async open() {
      return (loaded ??= await load());
    },
    close() {
      if (loaded) freeTower(gpu, loaded);
      loaded = null;
    },
  };
}
