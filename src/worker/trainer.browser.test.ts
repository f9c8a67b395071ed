// The trainer worker by its messages: what it answers when it cannot do what it is asked.

import { afterEach, expect, test } from 'vitest';
import type { RunEvent, StartRequest, TrainerMessage, TrainerRequest } from '../protocol/messages';
import { heldRuns } from '../storage/runLock';
import { findRun } from '../storage/runs';
import { defaultRecipe } from '../recipe/defaultRecipe';
import workerUrl from './trainer.worker.ts?worker&url';

const workers: Worker[] = [];
afterEach(() => workers.splice(0).forEach((worker) => worker.terminate()));

/** A trainer, and its runs' events as they come. */
function openTrainer() {
  const worker = new Worker(workerUrl, { type: 'module' });
  workers.push(worker);
  const events: RunEvent[] = [];
  const waiting: (() => void)[] = [];
  worker.onmessage = ({ data }: MessageEvent<TrainerMessage>) => {
    if (data.type === 'event') events.push(data.event);
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
  return { ask, heard, events };
}

function start(runId: string): StartRequest {
  const model = { kind: 'bundled', url: '/demo/model/' } as const;
  return { type: 'start', runId, recipe: defaultRecipe, seed: 0, datasetId: 'none', model };
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

test('a start while another run is under way is answered with an error, and the other run goes on', async () => {
  const { ask, heard } = openTrainer();
  const { port1, port2 } = new MessageChannel();
  ask({ type: 'connectEncoder', port: port2 }, [port2]);
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
