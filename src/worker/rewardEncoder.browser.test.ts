import { afterAll, beforeAll, expect, it } from 'vitest';
import { cosine, createSemanticReward } from '../rewards/semantic';
import { createEncoderClient } from './encoderClient';
import type { EncoderClient } from './encoderClient';
import workerUrl from './rewardEncoder.worker.ts?worker&url';

interface SemanticFile {
  pairs: { ground_truth_embedded: string; prediction: string; cosine_int8: number }[];
  tolerance: { cosine_int8: { atol: number } };
}

let worker: Worker;
let client: EncoderClient;

beforeAll(async () => {
  worker = new Worker(workerUrl, { type: 'module' });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ type: 'connect', port: port2 }, [port2]);
  client = createEncoderClient(port1);
  await client.load();
});

afterAll(() => worker.terminate());

it('gives the cosines of the shipped encoder, whatever the batch', async () => {
  const file = (await (await fetch('/reference/rewards/semantic.json')).json()) as SemanticFile;
  const texts = [...new Set(file.pairs.flatMap((pair) => [pair.ground_truth_embedded, pair.prediction]))];
  // Overlapping calls with batches of mixed lengths: padding must not leak into the mean.
  const halves = await Promise.all([client.embed(texts.slice(0, 9)), client.embed(texts.slice(9))]);
  const rows = new Map(halves.flat().map((row, i) => [texts[i], row]));
  for (const pair of file.pairs) {
    const got = cosine(rows.get(pair.ground_truth_embedded)!, rows.get(pair.prediction)!);
    const error = Math.abs(got - pair.cosine_int8);
    expect(error, `${pair.ground_truth_embedded} / ${pair.prediction}`).toBeLessThan(file.tolerance.cosine_int8.atol);
  }
});

it('gives unit vectors of 384 numbers, and none for no texts', async () => {
  const [row] = await client.embed(['two words']);
  expect(row!.length).toBe(384);
  expect(row!.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
  expect(await client.embed([])).toEqual([]);
});

it('cuts a text that is longer than the model instead of failing', async () => {
  const [row] = await client.embed(['red '.repeat(2000)]);
  expect(Number.isFinite(row![0])).toBe(true);
});

it('serves the semantic reward: 1 for the same answer, less for another, and for none at all', async () => {
  const reward = createSemanticReward((texts) => client.embed(texts));
  const answers = ['red', 'red', 'red'];
  const completions = ['<answer>Red</answer>', '<answer>table</answer>', 'I do not know.'];
  const [same, other, none] = await reward.score({ completions, answers });
  expect(same).toBe(1);
  expect(other).toBeLessThan(0.7);
  expect(none).toBeLessThan(0.7);
});

it('answers the page on its own channel too', async () => {
  const message = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
  worker.postMessage({ type: 'load', id: 7 });
  expect(await message).toEqual({ type: 'loaded', id: 7 });
});
