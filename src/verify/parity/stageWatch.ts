// What both loops are given besides their data: hooks that note every step's metrics and the adapter after it.

import type { Gpu } from '../../gpu/gpu';
import { unpackValues, type LoraAdapter } from '../../model/lora';
import type { Control, Reporter } from '../../train/control';
import { adapterDistance, peftTensors } from './adapterDistance';
import type { ParityStep } from './messages';
import type { AdapterTensors, TrlRun } from './trlFolder';

export interface StageWatch {
  control: Control;
  reporter: Reporter;
  /** Reads the adapter after the last step, and joins everything with TRL's steps. */
  finish(run: TrlRun, adapters: readonly AdapterTensors[]): Promise<ParityStep[]>;
}

export function watchStage(gpu: Gpu, adapter: LoraAdapter): StageWatch {
  const metrics: Record<string, number>[] = [];
  const snapshots: AdapterTensors[] = [];
  const snapshot = async (): Promise<void> => {
    const [bytes] = await gpu.rec.read(adapter.weight);
    gpu.assertHealthy();
    snapshots.push(peftTensors(unpackValues(adapter, new Float32Array(bytes))));
  };
  return {
    // The loops stand at a boundary before every step, so the first snapshot is the start.
    control: { boundary: snapshot },
    reporter: {
      emit(event) {
        if (event.type === 'step') metrics.push(event.metrics);
      },
      progress: () => undefined,
      enter: () => undefined,
      now: () => performance.now(),
      timed: (_, part) => part(),
    },
    async finish(run, adapters) {
      await snapshot();
      return run.steps.map((trl, step) => ({
        trl,
        ours: metrics[step]!,
        adapter: adapterDistance(snapshots[step + 1]!, adapters[step]!),
      }));
    },
  };
}
