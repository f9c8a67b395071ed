// Where the workers' scripts are. Starts none of them.

import dataUrl from '../worker/data.worker.ts?worker&url';
import encoderUrl from '../worker/rewardEncoder.worker.ts?worker&url';
import trainerUrl from '../worker/trainer.worker.ts?worker&url';

export type WorkerName = 'trainer' | 'data' | 'rewardEncoder';

export const WORKER_URLS: Record<WorkerName, string> = {
  trainer: trainerUrl,
  data: dataUrl,
  rewardEncoder: encoderUrl,
};
