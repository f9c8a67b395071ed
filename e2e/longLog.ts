// Writes the log of a long run straight into the browser's storage, as a trainer would have left it.

import type { Page } from 'playwright';

export interface LongRun {
  id: string;
  /** Steps of GRPO, a group event each. */
  steps: number;
  /** Prompts a step, and completions of each. */
  prompts: number;
  completions: number;
  recipe: unknown;
}

/** Stores the record and the events of a finished run. The page must have opened its database before. */
export async function storeLongRun(page: Page, run: LongRun): Promise<void> {
  await page.evaluate(async ({ id: runId, steps, prompts, completions, recipe }) => {
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error!);
      });
    const database = await done(indexedDB.open('lorikeet-runs'));
    const start = Date.now() - steps * 2000;
    const wave = (step: number, width: number): number =>
      Math.sin(step / width) * 0.4 + ((step * 7919) % 97) / 400 + 0.5;
    const names = ['loss', 'kl', 'grad_norm', 'learning_rate', 'reward', 'reward_std', 'entropy', 'step_time'];
    const more = ['mean_length', 'min_length', 'max_length', 'clipped_ratio'].map((name) => `completions/${name}`);
    const rewards = ['semantic', 'format'].flatMap((name) => [`rewards/${name}/mean`, `rewards/${name}/std`]);
    const rest = ['frac_reward_zero_std', 'format_compliance', 'clip_ratio/region_mean', 'seconds/generate', 'epoch'];
    const all = [...names, ...more, ...rewards, ...rest];
    const metricsOf = (step: number): object =>
      Object.fromEntries(all.map((name, i) => [name, wave(step + 13 * i, 40 + 5 * i)]));
    const completionOf = (step: number, i: number): object => ({
      text: `<think>Step ${step}, sample ${i}: the shape on the left is a circle, and its colour is a shade of blue.</think><answer>blue ${step}</answer>`,
      length: 40 + i,
      terminated: true,
      rewards: { semantic: wave(step, 31), format: 1 },
      reward: wave(step, 31) + 1,
      advantage: wave(step + i, 3) - 0.5,
      inForm: i % 3 !== 0,
    });
    const groupOf = (step: number, p: number): object => ({
      image: 'no such picture',
      imageName: 'picture.png',
      question: `What is the colour of shape ${p}?`,
      answer: 'blue',
      rewardMean: 1.5,
      rewardStd: 0.2,
      completions: Array.from({ length: completions }, (_, i) => completionOf(step, i)),
    });
    for (let from = 1; from <= steps; from += 250) {
      const transaction = database.transaction('events', 'readwrite', { durability: 'relaxed' });
      const store = transaction.objectStore('events');
      for (let step = from; step < from + 250 && step <= steps; step++) {
        const at = { runId, time: start + step * 2000 };
        const groups = Array.from({ length: prompts }, (_, p) => groupOf(step, p));
        const seq = 2 * step;
        store.put({ type: 'groups', step, groups, ...at, seq }, [runId, seq]);
        const metrics = metricsOf(step);
        store.put({ type: 'step', stage: 'grpo', step, steps, metrics, ...at, seq: seq + 1 }, [runId, seq + 1]);
      }
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error!);
      });
    }
    const record = { id: runId, createdAt: start, seed: 3, datasetId: 'none', datasetName: 'long', modelName: 'demo' };
    const runs = database.transaction('runs', 'readwrite').objectStore('runs');
    await done(runs.put({ ...record, recipe, state: 'stopped' }, runId));
    database.close();
  }, run);
}
