// The data worker: imports datasets one after the other and stores them, renders prompts for the page's preview, plans
// runs and packs them into files, off the page's main thread.

import { toErrorRecord } from '../base/errors';
import type { DataMessage, DataRequest } from '../protocol/messages';
import { exportRunFile } from '../storage/checkpointFile';
import { sweepOrphans } from '../storage/checkpointStore';
import { dropUnusedImages } from '../storage/datasets';
import { createImportQueue } from './importQueue';
import { createPlanner } from './planRun';
import { createPromptRenderer } from './renderPrompt';

type Ask<T extends DataRequest['type']> = Extract<DataRequest, { type: T }>;

const scope = self as unknown as DedicatedWorkerGlobalScope;
const renderPrompt = createPromptRenderer();
const planRun = createPlanner();

function post(message: DataMessage): void {
  scope.postMessage(message);
}

async function preview({ id, row, recipe, model }: Ask<'renderPrompt'>): Promise<void> {
  try {
    post({ type: 'prompt', id, prompt: await renderPrompt(row, recipe, model) });
  } catch (error) {
    post({ type: 'promptFailed', id, error: toErrorRecord(error) });
  }
}

async function exportRun({ id, runId }: Ask<'exportRun'>): Promise<void> {
  try {
    // A blob: the page hands it to the download as it is, without holding its bytes.
    post({ type: 'runFile', id, file: new Blob([await exportRunFile(runId)]) });
  } catch (error) {
    post({ type: 'runFileFailed', id, error: toErrorRecord(error) });
  }
}

async function plan({ id, ...request }: Ask<'plan'>): Promise<void> {
  try {
    post({ type: 'planned', id, plan: await planRun(request) });
  } catch (error) {
    post({ type: 'planFailed', id, error: toErrorRecord(error) });
  }
}

// What an import or a save that was cut off left behind goes first; failing that is no reason not to start.
const imports = createImportQueue(Promise.allSettled([dropUnusedImages(), sweepOrphans()]), post);

scope.onmessage = ({ data }: MessageEvent<DataRequest>): void => {
  switch (data.type) {
    case 'import':
    case 'importBundled':
    case 'recount':
      return imports.add(data);
    case 'cancel':
      return imports.cancel(data.id);
    case 'renderPrompt':
      return void preview(data);
    case 'exportRun':
      return void exportRun(data);
    case 'plan':
      return void plan(data);
    default:
      data satisfies never;
  }
};
