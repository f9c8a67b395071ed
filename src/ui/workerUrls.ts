// Where the workers' scripts are. Starts none of them.

import dataUrl from '../worker/data.worker.ts?worker&url';
import downloadUrl from '../worker/download.worker.ts?worker&url';
import encoderUrl from '../worker/rewardEncoder.worker.ts?worker&url';
import trainerUrl from '../worker/trainer.worker.ts?worker&url';

/** The one worker that may reach another host: started only when somebody asks for a model of the hub. */
export const DOWNLOAD_URL = downloadUrl;

/** Those that may reach no other origin. */
export type WorkerName = 'trainer' | 'data' | 'rewardEncoder';

export const WORKER_URLS: Record<WorkerName, string> = {
  trainer: trainerUrl,
  data: dataUrl,
  rewardEncoder: encoderUrl,
};
