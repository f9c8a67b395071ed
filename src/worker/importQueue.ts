// Runs imports one after the other, each to its end or until it is cancelled. Reads nothing itself.

import { toErrorRecord } from '../base/errors';
import type { DataMessage, DataRequest } from '../protocol/messages';
import { deleteDataset } from '../storage/datasets';
import { fetchBundled } from './bundledData';
import type { ReportStep } from './countRows';
import type { ImportOutcome } from './importDataset';
import { importDataset } from './importDataset';
import { recountDataset } from './recountDataset';

type ImportRequest = Extract<DataRequest, { type: 'import' | 'importBundled' | 'recount' }>;

export interface ImportQueue {
  add(request: ImportRequest): void;
  cancel(id: number): void;
}

/** An import that waits or runs, or the last one that ended: its answer may still be on the way when it is cancelled. */
interface Import {
  id: number;
  abort: AbortController;
  /** Of a dataset that this import has added, for the case that it is cancelled after all. */
  added?: string;
}

const PROGRESS_MS = 50;

/** Passes on the first and last report of a step and some between; each is a place where the import can stop. */
function reporter(id: number, signal: AbortSignal, post: (message: DataMessage) => void): ReportStep {
  let last = '';
  let time = 0;
  return (step, done, total) => {
    signal.throwIfAborted();
    const now = performance.now();
    if (step === last && done < total && now - time < PROGRESS_MS) return;
    last = step;
    time = now;
    post({ type: 'progress', id, step, done, total });
  };
}

async function importRequested(
  request: ImportRequest,
  signal: AbortSignal,
  report: ReportStep,
): Promise<ImportOutcome> {
  const { recipe, model } = request;
  if (request.type === 'recount') return recountDataset({ ...request, signal }, report);
  if (request.type === 'import') {
    const { files, unread, name, validationRatio, seed } = request;
    return importDataset({ files, options: { name, unread, validationRatio, seed }, recipe, model, signal }, report);
  }
  const files = await fetchBundled(request.url, signal, (done, total) => report('read', done, total));
  // Its file names tell training from validation, so ratio and seed are not used.
  const options = { name: 'Demo', validationRatio: 0, seed: 0 };
  // Fetching was the long part of reading.
  return importDataset({ files, options, recipe, model, signal }, (step, done, total) => {
    signal.throwIfAborted();
    if (step !== 'read') report(step, done, total);
  });
}

async function run(request: ImportRequest, entry: Import, post: (message: DataMessage) => void): Promise<void> {
  const { id } = request;
  const { signal } = entry.abort;
  try {
    const outcome = await importRequested(request, signal, reporter(id, signal, post));
    if (!outcome.ok) return post({ type: 'failed', id, error: outcome.error, problems: outcome.problems });
    if (outcome.added) entry.added = outcome.info.id;
    post({ type: 'imported', id, info: outcome.info });
  } catch (error) {
    if (signal.aborted) post({ type: 'cancelled', id });
    else post({ type: 'failed', id, error: toErrorRecord(error), problems: [] });
  }
}

/**
 * An empty queue.
 * @param ready what the first import waits for @param post sends a message to the page
 */
export function createImportQueue(ready: Promise<unknown>, post: (message: DataMessage) => void): ImportQueue {
  let imports: Import[] = [];
  let last: Promise<void> = ready.then(
    () => undefined,
    () => undefined,
  );
  return {
    add: (request) => {
      const entry: Import = { id: request.id, abort: new AbortController() };
      imports.push(entry);
      last = last.then(async () => {
        // Those before it have ended and their answers are long read.
        imports = imports.slice(imports.indexOf(entry));
        await run(request, entry, post);
      });
    },
    cancel: (id) => {
      const entry = imports.find((one) => one.id === id);
      if (!entry) return;
      entry.abort.abort();
      const { added } = entry;
      // In the queue, so that no later import of the same data has the dataset taken from under it.
      if (added === undefined) return;
      delete entry.added;
      last = last
        .then(() => deleteDataset(added))
        .then(
          () => post({ type: 'cancelled', id }),
          () => undefined,
        );
    },
  };
}
