// The base model onto the GPU, in the type that the run has decided on; its vision tower may leave and come again.

import type { Decisions } from '../budgets/decisions';
import type { Gpu } from '../gpu/gpu';
import { residentTower, type TowerSource } from '../infer/features';
import { freeTower, loadQwen25VL, loadTower, type Qwen25VL } from '../model/qwen25vl';
import type { StorageOptions } from '../model/baseStorage';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import { openCopiedBase, type CopiedBase } from './baseCopy';
import { storageOptions } from './decide';
import { baseFingerprint } from './fingerprint';
import type { OpenModel } from './openModel';

export interface LoadedBase {
  model: Qwen25VL;
  tower: TowerSource;
  /** Of its source, whatever it is stored as. */
  fingerprint: string;
}

interface BaseOptions {
  reporter: Reporter;
  decisions: Decisions;
  /** `keepCopy`: of a base in 4 bits, for the next start. */
  request: { keepCopy?: boolean };
}

/** @throws weights.*, gpu.* */
export async function loadBase(
  gpu: Gpu,
  opened: OpenModel,
  recipe: Recipe,
  { reporter, decisions, request }: BaseOptions,
): Promise<LoadedBase> {
  if (decisions.storage === 'nf4' && recipe.load_in_4bit === null) {
    const message =
      'The base model is kept in 4 bits (NF4): as stored it would not fit beside the training. load_in_4bit decides it.';
    reporter.emit({ type: 'notice', level: 'info', code: 'gpu.loadIn4bit', message });
  }
  const fingerprint = await baseFingerprint(opened.configJson, opened.weightFiles);
  const storage = storageOptions(decisions, recipe);
  const { nf4 } = storage;
  // In other types the files are what the GPU takes already.
  const keep = request.keepCopy ?? false;
  const copied =
    nf4 && (await openCopiedBase(gpu, { opened, storage: { ...storage, nf4 }, fingerprint, keep, reporter }));
  const { model, loadTowerAgain } = await loadModel(gpu, opened, storage, { copied, reporter });
  return { model, tower: towerOf(gpu, model, decisions, loadTowerAgain), fingerprint };
}

/** Loads all of the model; what is written of a copy meanwhile counts when this has succeeded. */
async function loadModel(
  gpu: Gpu,
  { config, weights }: OpenModel,
  storage: StorageOptions,
  { copied, reporter }: { copied: CopiedBase | null; reporter: Reporter },
) {
  const through = copied?.through;
  try {
    const { quantizedOnCpu, ...model } = await loadQwen25VL(gpu, weights, config, {
      ...{ storage, through },
      onProgress: (share) =>
        reporter.progress({ phase: 'load', done: Math.round(share * 100), total: 100, unit: 'percent of the weights' }),
    });
    if (quantizedOnCpu) {
      const message =
        'This GPU does not quantize to 4 bits as bitsandbytes does: the weights were quantized on the processor instead.';
      reporter.emit({ type: 'notice', level: 'info', code: 'gpu.quantize', message });
    }
    await copied?.finish();
    const options = { storage, quantizeOnCpu: quantizedOnCpu, through };
    return { model, loadTowerAgain: () => loadTower(gpu, weights, config, options) };
  } finally {
    await copied?.close();
  }
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
