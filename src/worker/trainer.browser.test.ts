// The trainer worker by its messages: what it answers when it cannot do what it is asked.

import { afterEach, expect, test } from 'vitest';
import type { MeasureRequest, RunEvent, StartRequest, TrainerMessage, TrainerRequest } from '../protocol/messages';
import { heldRuns } from '../storage/runLock';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { createRun, deleteRun, findRun } from '../storage/runs';
import { defaultRecipe } from '../recipe/defaultRecipe';
import workerUrl from './trainer.worker.ts?worker&url';

const workers: Worker[] = [];
afterEach(() => workers.splice(0).forEach((worker) => worker.terminate()));

/** A trainer, and its runs' events as they come. */
function openTrainer() {
  const worker = new Worker(workerUrl, { type: 'module' });
  workers.push(worker);
  const events: RunEvent[] = [];
  const answers: TrainerMessage[] = [];
  const waiting: (() => void)[] = [];
  worker.onmessage = ({ data }: MessageEvent<TrainerMessage>) => {
    if (data.type === 'event') events.push(data.event);
    else answers.push(data);
    waiting.splice(0).forEach((look) => look());
  };
  const ask = (request: TrainerRequest, transfer: Transferable[] = []) => worker.postMessage(request, transfer);
  /** Resolves with the first event of a run for which `wanted` holds. */
  const heard = async (runId: string, wanted: (event: RunEvent) => boolean): Promise<RunEvent> => {
    for (;;) {
      const found = events.find((event) => event.runId === runId && wanted(event));
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  /** Resolves with the answer to a dry run. */
  const measured = async (asked: number): Promise<TrainerMessage> => {
    for (;;) {
      const found = answers.find((own) => own.type === 'measureFailed' && own.id === asked);
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { ask, heard, measured, events };
}

function measure(id: number): MeasureRequest {
  const model = { kind: 'bundled', url: '/demo/model/' } as const;
  return { type: 'measure', id, recipe: defaultRecipe, seed: 0, datasetId: 'none', model, gpuMemoryGb: 8 };
}

function start(runId: string): StartRequest {
  const model = { kind: 'bundled', url: '/demo/model/' } as const;
  return { type: 'start', runId, recipe: defaultRecipe, seed: 0, datasetId: 'none', model, gpuMemoryGb: 8 };
}

const isError = (event: RunEvent) => event.type === 'error';
const hasFailed = (event: RunEvent) => event.type === 'state' && event.state === 'failed';

test('a start without a reward encoder is answered with an error, and stores nothing', async () => {
  const { ask, heard } = openTrainer();
  ask(start('no-encoder'));
  expect(await heard('no-encoder', isError)).toMatchObject({ error: { code: 'reward.encoder' } });
  await heard('no-encoder', hasFailed);
  expect(await findRun('no-encoder')).toBeUndefined();
});

test('a resume that ends before it goes on leaves the stored run as it was, whatever the reason', async () => {
  const counts = { trainRows: 0, valRows: 0, images: 0, bytes: 0, promptTokens: null, targetTokens: null };
  await saveDataset({ id: 'rows', name: 'rows', createdAt: 0, ...counts, problems: [] }, [], new Map());
  const source = { datasetId: 'rows', datasetName: 'rows', modelName: 'folder', recipe: defaultRecipe };
  await createRun({ id: 'stopped', createdAt: 0, seed: 0, ...source, state: 'stopped' });
  const { ask, heard } = openTrainer();
  const { port1, port2 } = new MessageChannel();
  ask({ type: 'connectEncoder', id: 1, port: port2 }, [port2]);
  const model = { kind: 'files', name: 'empty', files: {} } as const;
  ask({ type: 'continue', runId: 'stopped', model, gpuMemoryGb: 8 });
  expect(await heard('stopped', isError)).toMatchObject({
    error: { code: expect.stringMatching(/^model\./) as string },
  });
  await heard('stopped', hasFailed);
  expect(await findRun('stopped')).toMatchObject({ state: 'stopped' });
  await deleteRun('stopped');
  await deleteDataset('rows');
  port1.close();
});

test('a start while another run is under way is answered with an error, and the other run goes on', async () => {
  const { ask, heard } = openTrainer();
  const { port1, port2 } = new MessageChannel();
  ask({ type: 'connectEncoder', id: 1, port: port2 }, [port2]);
  ask(start('first'));
  ask(start('second'));
  expect(await heard('second', isError)).toMatchObject({ error: { code: 'run.busy' } });
  await heard('second', hasFailed);
  // The first one comes to an end of its own: its data is not stored here.
  expect(await heard('first', isError)).toMatchObject({ error: { code: 'storage.missing' } });
  await heard('first', hasFailed);
  // Then the worker takes the next.
  ask(start('third'));
  expect(await heard('third', isError)).toMatchObject({ error: { code: 'storage.missing' } });
  expect((await heldRuns()).size).toBe(0);
  port1.close();
});

test('a dry run without a reward encoder, or beside a run, is answered with an error of its own', async () => {
  const { ask, heard, measured, events } = openTrainer();
  ask(measure(1));
  expect(await measured(1)).toMatchObject({ error: { code: 'reward.encoder' } });
  const { port1, port2 } = new MessageChannel();
  ask({ type: 'connectEncoder', id: 1, port: port2 }, [port2]);
  ask(start('run'));
  ask(measure(2));
  expect(await measured(2)).toMatchObject({ error: { code: 'run.busy' } });
  await heard('run', hasFailed);
  ask(measure(3));
  ask(measure(4));
  expect(await measured(4)).toMatchObject({ error: { code: 'run.busy' } });
  expect(await measured(3)).toMatchObject({ error: { code: 'storage.missing' } });
  expect(events.every(({ runId }) => runId === 'run')).toBe(true);
  port1.close();
});

test('a dry run that is stopped, or overtaken by a run, is answered as stopped; the run begins after its end', async () => {
  const { ask, heard, measured } = openTrainer();
  const { port1, port2 } = new MessageChannel();
  ask({ type: 'connectEncoder', id: 1, port: port2 }, [port2]);
  ask(measure(1));
  ask({ type: 'stopMeasure', id: 1 });
  expect(await measured(1)).toMatchObject({ error: { code: 'measure.stopped' } });
  ask(measure(2));
  ask(start('next'));
  expect(await measured(2)).toMatchObject({ error: { code: 'measure.stopped' } });
  expect(await heard('next', isError)).toMatchObject({ error: { code: 'storage.missing' } });
  await heard('next', hasFailed);
  port1.close();
});
