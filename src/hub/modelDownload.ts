// All files of a model, one after the other, small ones first: what is whole is left, the rest is fetched and checked.

import type { HubFile, HubModel } from '../base/hubModel';
import { downloadFile, type PartFile } from './fileDownload';
import { fileUrl } from './modelAddress';
import type { Net } from './net';

/** The store's side of a download. */
export interface FilePlace {
  /**
   * Whether the file is there whole.
   * @param heard hears how much of it has been read, where it has to be
   */
  has(file: HubFile, signal: AbortSignal, heard: (bytes: number) => void): Promise<boolean>;
  /**
   * Opens the file's part for `work`, alone in this browser, unless it is whole by then. When `work` has ended well the
   * file is whole.
   */
  fill(file: HubFile, signal: AbortSignal, work: (part: PartFile) => Promise<void>): Promise<void>;
}

export interface ModelProgress {
  /** The file under way. */
  file: string;
  /** Bytes of the model that are there, those of the file under way included. */
  arrived: number;
  /** It is there already, and is held against its hash: nothing is fetched meanwhile. */
  reading: boolean;
}

/**
 * Fetches what is missing of a model.
 * @throws as downloadFile; what has arrived is kept
 */
export async function downloadModel(
  net: Net,
  model: HubModel,
  place: FilePlace,
  report: (progress: ModelProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const missing: HubFile[] = [];
  let whole = 0;
  for (const file of model.files) {
    signal.throwIfAborted();
    const heard = (bytes: number): void => report({ file: file.name, arrived: whole + bytes, reading: true });
    if (await place.has(file, signal, heard)) whole += file.bytes;
    else missing.push(file);
  }
  missing.sort((a, b) => a.bytes - b.bytes);
  for (const file of missing) {
    signal.throwIfAborted();
    await place.fill(file, signal, (part) =>
      downloadFile(net, {
        file,
        url: fileUrl(model.endpoint, model.id, model.commit, file.name),
        what: `${model.id}, ${file.name}`,
        part,
        arrived: (bytes) => report({ file: file.name, arrived: whole + bytes, reading: false }),
        signal,
      }),
    );
    whole += file.bytes;
    report({ file: file.name, arrived: whole, reading: false });
  }
}
