// The counting device tells the truth: a run of the demo model takes the same bytes, owner by owner, as in Chromium.

import { expect, test } from 'vitest';
import { openWeights } from '../formats/weightFiles';
import { requestDevice } from '../gpu/device';
import { createGpu } from '../gpu/gpu';
import { createCountingDevice } from '../gpu/testing/countingDevice';
import { parseModelConfig } from '../model/config';
import { presets } from '../recipe/presets';
import { readModelFiles } from './modelFiles';
import { finishedDecoding } from './testing/finishedDecoding';
import { shortened, syntheticRun, type SyntheticRunOptions } from './testing/syntheticRun';

const NEW_TOKENS = 6;

async function demoRun(): Promise<SyntheticRunOptions> {
  const files = await readModelFiles({ kind: 'bundled', url: '/demo/model/' });
  const weights = await openWeights(files.files);
  return {
    // Nothing ends a completion early: its length would depend on what is computed.
    config: { ...parseModelConfig(files.config, files.generation), eosTokenIds: [] },
    weights,
    recipe: shortened(presets.demo, NEW_TOKENS),
    rows: { count: 24, promptText: 20, target: 12, picture: [8, 6] },
    validationRows: 5,
    gpuBytes: 8 * 2 ** 30,
  };
}

test('a counted run of the demo takes the bytes of every owner that Chromium takes, phase by phase', async () => {
  const options = await demoRun();
  const { device, info } = await requestDevice();
  const real = createGpu(device, { info });
  const { phases: measured } = await syntheticRun(real, options);
  const counting = createCountingDevice({
    adapterClass: info.adapterClass,
    maxBufferSize: info.limits.maxBufferSize,
    maxStorageBufferBindingSize: info.limits.maxStorageBufferBindingSize,
    content: finishedDecoding(NEW_TOKENS),
  });
  const counted = createGpu(counting.device, { info: counting.info });
  const { phases } = await syntheticRun(counted, options);
  expect(phases).toEqual(measured);
  expect(measured.map(({ phase }) => phase)).toContain('grpo');
  expect(counted.rec.counts()).toEqual(real.rec.counts());
  expect(counting.report()).toMatchObject({ freedTwice: 0, usedAfterFree: 0, liveBytes: real.memory().total });
  device.destroy();
});
