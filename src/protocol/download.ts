// What the page and the download worker say to each other. The worker alone may reach the hub, so nothing of a dataset,
// a recipe or a run may stand in these types.

import type { ErrorRecord } from '../base/errors';
import type { HostTraffic, HubAddress, HubModel, HubSettings } from '../base/hubModel';

export type DownloadRequest =
  /** How the hub is asked; sent once, before all else. */
  | { type: 'settings'; settings: HubSettings }
  /** What is there under that name, and can it be trained? Fetches no weights. */
  | { type: 'lookUp'; id: number; address: HubAddress }
  /**
   * Fetches what is missing of a model that was looked up.
   * `into`: a folder on disk that the user picked and that may be written to; null: this browser's store.
   */
  | { type: 'download'; id: number; model: HubModel; into: FileSystemDirectoryHandle | null }
  /** Ends that request; what has arrived is kept. */
  | { type: 'stop'; id: number }
  /** Reads a stored model's files and holds them against their hashes. Asks nobody. */
  | { type: 'verify'; id: number; key: string }
  /** Reads a stored copy of a base again and holds it against its hashes. Asks nobody. */
  | { type: 'verifyCopy'; id: number; key: string };

/** Where a download stands; a few a second. */
export interface DownloadProgress {
  type: 'progress';
  id: number;
  arrived: number;
  total: number;
  file: string;
  /** The file is in the folder already and is held against its hash; nothing is fetched meanwhile. */
  reading: boolean;
  /** null while unknown. */
  bytesPerSecond: number | null;
  secondsLeft: number | null;
  /** Why it waits now, in words; null while it does not. */
  waiting: string | null;
  /** Another tab of this browser fetches the model; this one looks on, and takes over when that one ends. */
  following: boolean;
}

export type DownloadMessage =
  | { type: 'lookedUp'; id: number; model: HubModel }
  | DownloadProgress
  /** The model is whole. */
  | { type: 'downloaded'; id: number; key: string }
  /** It was stopped, here or in the tab that was fetching; what has arrived is kept. */
  | { type: 'stopped'; id: number }
  | { type: 'verifying'; id: number; done: number; total: number }
  /**
   * `broken`: names of files that had other bytes, or the key of a copy that had. They were removed from this browser's
   * store; a folder's stay. `gone`: the copy was deleted meanwhile.
   */
  | { type: 'verified'; id: number; broken: string[]; gone?: boolean }
  | { type: 'failed'; id: number; error: ErrorRecord }
  /** All requests to other hosts so far, of this worker. */
  | { type: 'traffic'; hosts: HostTraffic[] };
