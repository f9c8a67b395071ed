// The page's workers as the page starts them, when the trainer finds its reward encoder gone.

import { afterEach, expect, test, vi } from 'vitest';
import type { TrainerMessage } from '../protocol/messages';
import { defaultRecipe } from '../recipe/defaultRecipe';
import { startWorkers, type WorkerClient } from './workerClient';

let client: WorkerClient | undefined;
afterEach(() => {
  client?.close();
  vi.unstubAllGlobals();
});

/** Keeps hold of the workers that the page starts, by name. */
function watchWorkers(): (name: string) => Worker[] {
  const started: { name: string | undefined; worker: Worker }[] = [];
  const Native = Worker;
  vi.stubGlobal(
    'Worker',
    class extends Native {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        started.push({ name: options?.name, worker: this });
      }
    },
  );
  return (wanted) => started.flatMap(({ name, worker }) => (name === wanted ? [worker] : []));
}

test('a reward encoder that is gone without an error has one new one in its place at the next start', () => {
  const workers = watchWorkers();
  const heard: TrainerMessage[] = [];
  client = startWorkers({ trainer: (message) => heard.push(message), data: () => undefined, crashed: () => undefined });
  const model = { kind: 'bundled', url: '/demo/model/' } as const;
  const own = { runId: 'none', recipe: defaultRecipe, seed: 0, datasetId: 'none', model, gpuMemoryGb: 8 };
  const start = (): void => client!.toTrainer({ type: 'start', ...own });
  // As the trainer says it; not every browser tells a worker that a port's other end has gone.
  const tellGone = (id: number): void => {
    const data: TrainerMessage = { type: 'encoderGone', id };
    workers('trainer')[0]!.dispatchEvent(new MessageEvent('message', { data }));
  };
  start();
  expect(workers('rewardEncoder').length).toBe(1);
  tellGone(1);
  start();
  expect(workers('rewardEncoder').length).toBe(2);
  // Late news of the first one is nothing about the second.
  tellGone(1);
  start();
  expect(workers('rewardEncoder').length).toBe(2);
  expect(workers('trainer').length).toBe(1);
  expect(heard).toEqual([]);
});
