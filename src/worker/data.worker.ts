// The data worker: imports datasets one after the other and stores them, and renders prompts for the page's preview,
// off the page's main thread.

import { toErrorRecord } from '../base/errors';
import type { DataMessage, DataRequest, RenderPromptRequest } from '../protocol/messages';
import { sweepOrphans } from '../storage/checkpoints';
import { dropUnusedImages } from '../storage/datasets';
import { fetchBundled } from './bundledData';
import type { ImportJob, ImportOutcome, ReportStep } from './importDataset';
import { importDataset } from './importDataset';
import { createPromptRenderer } from './renderPrompt';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const PROGRESS_MS = 50;
const renderPrompt = createPromptRenderer();

type ImportRequest = Exclude<DataRequest, RenderPromptRequest>;

function post(message: DataMessage): void {
  scope.postMessage(message);
}

/** Passes on the first and last report of a step and some between. */
function reporter(id: number): ReportStep {
  let last = '';
  let time = 0;
  return (step, done, total) => {
    const now = performance.now();
    if (step === last && done < total && now - time < PROGRESS_MS) return;
    last = step;
    time = now;
    post({ type: 'progress', id, step, done, total });
  };
}

async function importBundled(
  request: DataRequest & { type: 'importBundled' },
  report: ReportStep,
): Promise<ImportOutcome> {
  const { url, recipe, model } = request;
  const files = await fetchBundled(url, (done, total) => report('read', done, total));
  // Its file names tell training from validation, so ratio and seed are not used.
  const job: ImportJob = { files, options: { name: 'Demo', validationRatio: 0, seed: 0 }, recipe, model };
  // Fetching was the long part of reading.
  return importDataset(job, (step, done, total) => step !== 'read' && report(step, done, total));
}

function importDropped(request: DataRequest & { type: 'import' }, report: ReportStep): Promise<ImportOutcome> {
  const { files, name, validationRatio, seed, recipe, model } = request;
  return importDataset({ files, options: { name, validationRatio, seed }, recipe, model }, report);
}

async function run(request: ImportRequest): Promise<void> {
  const { id } = request;
  const report = reporter(id);
  try {
    const outcome = await (request.type === 'import' ? importDropped(request, report) : importBundled(request, report));
    if (outcome.ok) post({ type: 'imported', id, info: outcome.info });
    else post({ type: 'failed', id, error: outcome.error, problems: outcome.problems });
  } catch (error) {
    post({ type: 'failed', id, error: toErrorRecord(error), problems: [] });
  }
}

async function preview({ id, row, recipe, model }: RenderPromptRequest): Promise<void> {
  try {
    post({ type: 'prompt', id, prompt: await renderPrompt(row, recipe, model) });
  } catch (error) {
    post({ type: 'promptFailed', id, error: toErrorRecord(error) });
  }
}

// What an import or a save that was cut off left behind goes first; failing that is no reason not to start.
let queue: Promise<void> = Promise.allSettled([dropUnusedImages(), sweepOrphans()]).then(() => undefined);

scope.onmessage = ({ data }: MessageEvent<DataRequest>): void => {
  if (data.type === 'renderPrompt') void preview(data);
  else queue = queue.then(() => run(data));
};
