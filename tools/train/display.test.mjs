import { expect, test } from 'vitest';
import { createDisplay, formatSeconds } from './display.mjs';

/** A stream that remembers what was written. */
function memoryStream(isTTY) {
  const written = [];
  return { isTTY, columns: 60, write: (text) => written.push(text), written };
}

function progress(done) {
  const counts = { done, total: 8, unit: 'rows', step: 2, steps: 5, etaSeconds: 75 };
  return { type: 'progress', stage: 'sft', phase: 'backward', ...counts };
}

test('on a screen the live line is rewritten and never wider than the screen', () => {
  const stream = memoryStream(true);
  const display = createDisplay(stream);
  display.event(progress(1));
  display.event(progress(2));
  const live = stream.written.filter((text) => !text.endsWith('\n'));
  expect(live).toHaveLength(2);
  expect(live[1]).toBe('\r\x1b[2K  step 2/5, backward 2/8 rows, 1m 15s left');
});

test('in a log, live lines within a few seconds are left out and the last step is kept', () => {
  const stream = memoryStream(false);
  const display = createDisplay(stream);
  for (let done = 0; done < 5; done++) display.event(progress(done));
  display.event({ type: 'step', stage: 'sft', step: 5, steps: 5, metrics: { loss: 1.25 } });
  expect(stream.written).toEqual(['SFT\n', '  step 2/5, backward 0/8 rows, 1m 15s left\n', '  step 5/5  loss 1.250\n']);
});

test('seconds are written in the largest fitting units', () => {
  expect([0.4, 59, 60, 3599, 3600, 7265].map(formatSeconds)).toEqual([
    '0s',
    '59s',
    '1m 0s',
    '59m 59s',
    '1h 0m',
    '2h 1m',
  ]);
});

test('a checkpoint and the place where a run goes on each get a line that stays', () => {
  const stream = memoryStream(false);
  const display = createDisplay(stream);
  display.event({ type: 'resumed', stage: 'grpo', step: 0 });
  display.event({ type: 'checkpoint', stage: 'sft', step: 4, bytes: 64_200, best: false });
  display.event({ type: 'checkpoint', stage: 'grpo', step: 6, bytes: 12_345_678, best: true });
  expect(stream.written).toEqual([
    'Goes on from the checkpoint: GRPO\n',
    '  checkpoint: SFT step 4, 64.2 kB\n',
    '  checkpoint: GRPO step 6, 12.3 MB, best so far\n',
  ]);
});

test('an import shows what it counts, so that a long one is not silent', () => {
  const stream = memoryStream(true);
  const display = createDisplay(stream);
  display.importing({ step: 'images', done: 12, total: 3741 });
  display.importing({ step: 'tokens', done: 7, total: 11_000 });
  expect(stream.written).toEqual([
    '\r\x1b[2K  Reading pictures: 12 of 3741',
    '\r\x1b[2K  Counting tokens: row 7 of 11000',
  ]);
});

test('a loss that could not be measured is a dash', () => {
  const stream = memoryStream(false);
  const scores = { formatCompliance: 1, totalReward: 1.5 };
  const result = { evalLoss: null, greedy: scores, sampled: null };
  createDisplay(stream).event({ type: 'evaluation', when: 'during', result });
  expect(stream.written).toEqual(['  during: eval loss -, greedy: in form 100%, reward 1.500\n']);
});

test('a download shows how far it is, how fast, and why it waits', () => {
  const stream = memoryStream(true);
  const display = createDisplay(Object.assign(stream, { columns: 200 }));
  const at = {
    arrived: 1.2e9,
    total: 7.51e9,
    bytesPerSecond: 84e6,
    secondsLeft: 75,
    file: 'a.safetensors',
    waiting: null,
  };
  display.download(at);
  display.download({ ...at, bytesPerSecond: null, secondsLeft: null });
  display.download({ ...at, waiting: 'nothing has come for 30 s.' });
  expect(stream.written.map((text) => text.replace('\r\x1b[2K', ''))).toEqual([
    '  fetching 1.20 GB of 7.51 GB, 84.0 MB/s, 1m 15s left: a.safetensors',
    '  fetching 1.20 GB of 7.51 GB: a.safetensors',
    '  waiting to try again: nothing has come for 30 s.',
  ]);
});
