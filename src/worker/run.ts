// What the parts of a run share: the loaded session, where the run stands, and whom it tells.

import type { PackContext } from '../data/pack';
import type { Control } from '../train/control';
import type { createEta } from './eta';
import type { RunSetup } from './runCheckpoint';
import type { RunControl } from './runControl';
import type { RunProgress } from './runProgress';
import type { RunReporter } from './runReporter';
import type { CheckpointKeeper } from './checkpointKeeper';
import type { Session } from './session';

export interface Run {
  runId: string;
  setup: RunSetup;
  session: Session;
  reporter: RunReporter;
  control: Control & Pick<RunControl, 'stateOf'> & { gate(): Promise<void> | void };
  keeper: CheckpointKeeper;
  eta: ReturnType<typeof createEta>;
  progress: RunProgress;
}

/** What packing needs to know of the loaded model. */
export function packContextOf({ model }: Pick<Session, 'model'>): PackContext {
  return { imageTokenId: model.config.imageTokenId, spatialMergeSize: model.config.vision.spatialMergeSize };
}
