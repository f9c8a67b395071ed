// A run that is interrupted anywhere and resumed leaves the bits that the uninterrupted run leaves. Points and ways of
// interrupting are drawn from a seed; LORIKEET_RESUME_POINTS takes more of them than npm run test:full does.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { permutation, streamKey, threefry2x32, unitFloat } from '../../src/base/random';
import type { RunEvent } from '../../src/protocol/messages';
import type { Recipe } from '../../src/recipe/config';
import { presets } from '../../src/recipe/presets';
import { startServer } from '../../tools/launcher/server.mjs';
import { REPOSITORY } from '../repository';
import { openCrashBrowser, type CrashBrowser } from './crashPage';
import { forgetMoments, newestCheckpoint, readStoredRun, type StoredRun } from './storedRun';

const POINTS = Number(process.env.LORIKEET_RESUME_POINTS ?? 7);
const SEED = 20261124;
/** Ends a wait for what never comes, in ms. */
const PATIENCE_MS = 240_000;
/** Longest delay after the place was announced, in ms: a step of this run takes about ten times as long. */
const LATEST_MS = 60;

const WAYS = ['terminate', 'stop', 'reload', 'closeTab', 'kill', 'crashGpu', 'pause'] as const;
type Way = (typeof WAYS)[number];

/** 6 SFT and 4 GRPO steps that use everything a checkpoint has to hold. */
const recipe: Recipe = {
  ...presets.demo,
  lora: { ...presets.demo.lora, lora_dropout: 0.1 },
  sft: {
    ...presets.demo.sft,
    ...{ max_steps: 6, per_device_train_batch_size: 2, gradient_accumulation_steps: 2, eval_steps: 2, save_steps: 2 },
    ...{ load_best_model_at_end: true, metric_for_best_model: 'eval_loss', early_stopping_patience: 5 },
  },
  grpo: {
    ...presets.demo.grpo,
    ...{ max_steps: 4, per_device_train_batch_size: 4, num_generations: 2, max_completion_length: 8, save_steps: 1 },
    // Two passes over each rollout: old and reference log-probabilities outlive a step.
    ...{ num_iterations: 2, reference: 'start', beta: 0.04, disable_dropout: true },
  },
  eval: { rows: 2, samples_per_row: 1, temperature: 1 },
};

let server: { origin: string; close(): Promise<void> };
let browser: CrashBrowser;
let datasetId: string;
let reference: StoredRun;
/** The places that the uninterrupted run announced, in order. */
const places: string[] = [];

type Hear = (event: RunEvent, place: string | null) => void;

/** How each run ended, finished or failed: it may have ended before anyone waits for that. */
const ends = new Map<string, RunEvent>();
let hear: Hear | null = null;

function onEvent(event: RunEvent, place: string | null): void {
  if (event.type === 'finished' || event.type === 'error') ends.set(event.runId, event);
  hear?.(event, place);
}

/** Resolves with what `take` makes of an event, the first time that this is not null. */
function heard<T>(what: string, take: (event: RunEvent, place: string | null) => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} was not heard of in ${PATIENCE_MS} ms`)), PATIENCE_MS);
    hear = (event, place) => {
      const taken = take(event, place);
      if (taken === null) return;
      clearTimeout(timer);
      hear = null;
      resolve(taken);
    };
  });
}

/** Resolves with the end of a run. */
async function ended(runId: string): Promise<RunEvent> {
  return ends.get(runId) ?? heard(`the end of ${runId}`, () => ends.get(runId) ?? null);
}

const model = { kind: 'bundled', url: '' } as { kind: 'bundled'; url: string };

async function start(runId: string): Promise<void> {
  await browser.post({ type: 'start', runId, recipe, seed: 3, datasetId, model, gpuMemoryGb: 8 });
}

/** Goes on with a run to its end. */
async function goOn(runId: string): Promise<void> {
  ends.delete(runId);
  await browser.post({ type: 'continue', runId, model, gpuMemoryGb: 8 });
  expect(await ended(runId)).toMatchObject({ type: 'finished', summary: { complete: true } });
}

/** Whether a run came to its end before it could be interrupted: on a busy machine a wait may take longer. */
function isComplete(runId: string): boolean {
  const end = ends.get(runId);
  return end?.type === 'finished' && end.summary.complete;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Resolves `delay` ms after the trainer was first at this place. */
async function reached(runId: string, place: string, delay: number): Promise<void> {
  await heard(`${place} of ${runId}`, (event, at) => (event.runId === runId && at === place) || null);
  await sleep(delay);
}

/** Interrupts a run at a place, in one of the ways, and leaves a page that can go on with it. */
async function interrupt(runId: string, way: Way, place: string, delay: number): Promise<void> {
  if (way === 'terminate') await browser.terminateAt(place);
  const there = reached(runId, place, delay);
  await start(runId);
  await there;
  switch (way) {
    case 'terminate':
    case 'reload':
      return browser.reload();
    case 'closeTab':
      return browser.closeTab();
    case 'kill':
      return browser.kill();
    case 'stop': {
      await browser.post({ type: 'stop' });
      await ended(runId);
      return;
    }
    case 'pause':
      // Paused, and then the tab is gone.
      await browser.post({ type: 'pause' });
      await sleep(300);
      return browser.reload();
    case 'crashGpu': {
      await browser.crashGpu();
      const end = await ended(runId);
      if (!isComplete(runId)) expect(end).toMatchObject({ type: 'error', error: { code: 'gpu.lost' } });
      return browser.reload();
    }
  }
}

beforeAll(async () => {
  server = await startServer({ root: `${REPOSITORY}dist` });
  model.url = `${server.origin}/demo/model/`;
  browser = await openCrashBrowser(server.origin);
  datasetId = await browser.page().evaluate(
    () =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open('lorikeet-datasets');
        opening.onerror = () => reject(opening.error!);
        opening.onsuccess = () => {
          const keys = opening.result.transaction('infos').objectStore('infos').getAllKeys();
          keys.onsuccess = () => resolve(String(keys.result[0]));
        };
      }),
  );
  browser.onEvent = (event, place) => {
    if (place !== null && !places.includes(place)) places.push(place);
    onEvent(event, place);
  };
  await start('reference');
  expect(await ended('reference')).toMatchObject({ type: 'finished' });
  browser.onEvent = onEvent;
  reference = await readStoredRun(browser.page(), 'reference');
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

test('the uninterrupted run has all its steps and evaluations', () => {
  const count = (part: string) => reference.log.filter((line) => line.includes(part)).length;
  expect([count('"stage":"sft","step":'), count('"stage":"grpo","step":')]).toEqual([6 + 3, 4]);
  expect(count('"type":"groups"')).toBe(2);
  expect(count('"type":"evaluation"')).toBe(3 + 3);
});

/** Places of training, saving and evaluating: everything after loading. */
const isTraining = (place: string) => !/\/(load|encode)$/.test(place);

interface Point {
  way: Way;
  place: string;
  delay: number;
}

/** An endless sequence of seeded places and delays. */
function* drawPlaces(): Generator<Omit<Point, 'way'>, never> {
  const order = permutation(places.length, streamKey(SEED, 1));
  const candidates = Array.from(order, (i) => places[i]!).filter(isTraining);
  for (let i = 0; ; i++) {
    const delay = Math.floor(LATEST_MS * unitFloat(threefry2x32(SEED, 2, i, 0)[0]));
    yield { place: candidates[i % candidates.length]!, delay };
  }
}

/** Interrupts a run at the next point of the sequence; null when it was complete before that could be. */
async function interruptAtNext(
  runId: string,
  way: Way,
  drawn: Generator<Omit<Point, 'way'>, never>,
): Promise<Point | null> {
  const point = { way, ...drawn.next().value };
  await interrupt(runId, way, point.place, point.delay);
  if (!isComplete(runId)) return point;
  console.log(`${way} ${point.delay} ms after ${point.place} came too late`);
  return null;
}

test(`a run interrupted at ${POINTS} seeded points, in seven ways, ends with the bits of the uninterrupted one`, async () => {
  const wrong: string[] = [];
  const drawn = drawPlaces();
  let interrupted = 0;
  // A run that was complete first proves nothing: then another point is drawn for the way.
  for (let tried = 0; interrupted < POINTS && tried < 2 * POINTS; tried++) {
    const runId = `point-${tried}`;
    const point = await interruptAtNext(runId, WAYS[interrupted % WAYS.length]!, drawn);
    if (point === null) continue;
    interrupted++;
    const record = await newestCheckpoint(browser.page(), runId);
    const from = record ? `${record.stage} ${record.step}` : 'the beginning';
    await goOn(runId);
    const got = await readStoredRun(browser.page(), runId);
    const same = got.adapter === reference.adapter && JSON.stringify(got.log) === JSON.stringify(reference.log);
    const { way, place, delay } = point;
    const line = `${interrupted}: ${way} ${delay} ms after ${place}, resumed from ${from}: ${same ? 'equal' : 'DIFFERENT'}`;
    console.log(line);
    if (!same) wrong.push(line);
  }
  expect(wrong).toEqual([]);
  expect(interrupted).toBe(POINTS);
}, 1_200_000);

test('a checkpoint that forgot the optimizer’s moments does not pass: the comparison sees it', async () => {
  await interrupt('control', 'terminate', 'sft/5/backward', 0);
  await forgetMoments(browser.page(), 'control');
  await goOn('control');
  const got = await readStoredRun(browser.page(), 'control');
  expect(got.adapter).not.toBe(reference.adapter);
  expect(got.log).not.toEqual(reference.log);
});
