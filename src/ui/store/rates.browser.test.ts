// Measured rates are remembered by GPU, model and storage type, and a dry run's answer finds its place.

import { beforeEach, expect, test } from 'vitest';
import type { AdapterInfo, MeasuredRates } from '../../protocol/messages';
import { useDevice } from './device';
import { applyDryRun, beginDryRun, failDryRun, useDryRun } from './dryRun';
import { measuredRates, ratesKey, rememberRates } from './rates';
import { useSettings } from './settings';

function plugIn(description: string): void {
  const adapter: AdapterInfo = {
    ...{ vendor: 'nvidia', architecture: 'ada', description, software: false },
    ...{ maxBufferSize: 1, maxStorageBufferBindingSize: 1 },
  };
  useDevice.setState({ adapter });
}

function measured(storage: MeasuredRates['storage'], load: number): MeasuredRates {
  const rates = { load, firstUse: 0, passes: {}, perUnit: {}, perCompletion: {}, decode: [], stepsTogether: 8 };
  return { storage, rates };
}

function pickFolder(bytes: number): void {
  const files = { 'model.safetensors': new File([new Uint8Array(bytes)], 'model.safetensors') };
  useSettings.setState({ modelKind: 'files', picked: { name: 'qwen', files } });
}

beforeEach(() => {
  failDryRun({ code: 'measure.stopped', message: '' });
  plugIn(crypto.randomUUID());
  pickFolder(10);
});

test('rates count for their GPU and model alone, and a newer measurement takes the place of one of its storage type', () => {
  const { adapter } = useDevice.getState();
  rememberRates(ratesKey()!, measured('bf16', 1), null);
  rememberRates(ratesKey()!, measured('nf4', 2), null);
  rememberRates(ratesKey()!, measured('bf16', 3), null);
  expect(measuredRates()).toEqual([measured('nf4', 2), measured('bf16', 3)]);
  pickFolder(11);
  expect(measuredRates()).toEqual([]);
  pickFolder(10);
  plugIn('another');
  expect(measuredRates()).toEqual([]);
  useDevice.setState({ adapter });
  expect(measuredRates()).toHaveLength(2);
  expect(localStorage.getItem('lorikeet.rates')).toContain('"storage":"nf4"');
});

test('a dry run’s rates go to the GPU and model that it was made with, also when another model is chosen meanwhile', async () => {
  const { id, ended } = beginDryRun();
  applyDryRun({ type: 'measuring', id, part: 'load', done: 30, total: 100 });
  expect(useDryRun.getState()).toMatchObject({ id, part: 'load', done: 30 });
  pickFolder(11);
  applyDryRun({ type: 'measured', id, ...measured('f32', 4) });
  await ended;
  expect(useDryRun.getState().id).toBeNull();
  expect(measuredRates()).toEqual([]);
  pickFolder(10);
  expect(measuredRates()).toEqual([measured('f32', 4)]);
});

test('a dry run that fails says why, and one that was stopped says nothing', async () => {
  const failing = beginDryRun();
  const error = { code: 'gpu.outOfMemory', message: 'The GPU has no memory left.' };
  applyDryRun({ type: 'measureFailed', id: failing.id, error });
  await expect(failing.ended).rejects.toMatchObject({ code: 'gpu.outOfMemory' });
  expect(useDryRun.getState()).toMatchObject({ id: null, error });
  const stopped = beginDryRun();
  expect(useDryRun.getState().error).toBeNull();
  applyDryRun({ type: 'measureFailed', id: stopped.id, error: { code: 'measure.stopped', message: 'stopped' } });
  await expect(stopped.ended).rejects.toMatchObject({ code: 'measure.stopped' });
  expect(useDryRun.getState()).toMatchObject({ id: null, error: null });
});
