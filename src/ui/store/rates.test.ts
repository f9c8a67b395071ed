// @vitest-environment node
// What is left of older rates beside newer ones, and of a dry run once something else is set up.

import { beforeEach, expect, test, vi } from 'vitest';
import type { Rates } from '../../planner/seconds';
import type { AdapterInfo, MeasuredRates } from '../../protocol/messages';
import { useCopies } from './copies';
import { useDevice } from './device';
import { applyDryRun, beginDryRun, failDryRun, forgetDryRun, useDryRun } from './dryRun';
import { copiesKey, measuredRates, ratesKey, rememberRates } from './rates';
import { useSettings } from './settings';

const BOTH: Rates = {
  ...{ load: 20, firstUse: 6, stepsTogether: 8 },
  passes: { sft: 2e12, grpo: 3e12, rollout: 4e12 },
  perUnit: { sft: 0.1, grpo: 0.2 },
  perCompletion: { rollout: 0.01 },
  decode: [{ sequences: 8, seconds: 0.1 }],
};
const SFT_ALONE: Rates = {
  ...{ load: 10, firstUse: 2, stepsTogether: 8 },
  ...{ passes: { sft: 5e12 }, perUnit: { sft: 0.3 }, perCompletion: {}, decode: [] },
};

function remember(storage: MeasuredRates['storage'], rates: Rates): void {
  rememberRates(ratesKey()!, { storage, rates }, copiesKey());
}

function keepCopies(...keys: string[]): void {
  const own = { name: 'base', sourceBytes: 1, bytes: 1, manifestBytes: 1, sha256: '', createdAt: 0 };
  useCopies.setState({ copies: keys.map((key) => ({ key, ...own })) });
}

beforeEach(() => {
  failDryRun({ code: 'measure.stopped', message: '' });
  forgetDryRun();
  keepCopies();
  const adapter: AdapterInfo = {
    ...{ vendor: 'nvidia', architecture: 'ada', description: crypto.randomUUID(), software: false },
    ...{ maxBufferSize: 1, maxStorageBufferBindingSize: 1 },
  };
  useDevice.setState({ adapter });
  useSettings.setState({ modelKind: 'files', picked: { name: 'qwen', files: { a: new File(['a'], 'a') } } });
});

test('a dry run of SFT alone leaves the rates of GRPO and of decoding that were measured before', () => {
  remember('nf4', BOTH);
  remember('nf4', SFT_ALONE);
  expect(measuredRates()).toEqual([
    {
      storage: 'nf4',
      rates: {
        ...{ load: 10, firstUse: 6, stepsTogether: 8 },
        passes: { sft: 5e12, grpo: 3e12, rollout: 4e12 },
        perUnit: { sft: 0.3, grpo: 0.2 },
        perCompletion: { rollout: 0.01 },
        decode: [{ sequences: 8, seconds: 0.1 }],
      },
    },
  ]);
  remember('nf4', BOTH);
  expect(measuredRates()).toEqual([{ storage: 'nf4', rates: BOTH }]);
});

test('how long a base in 4 bits loads is forgotten while there are other copies than it was measured with', () => {
  remember('nf4', BOTH);
  remember('bf16', BOTH);
  const loads = (): (number | null)[] => measuredRates().map(({ rates }) => rates.load);
  expect(loads()).toEqual([20, 20]);
  keepCopies('a');
  expect(loads()).toEqual([null, 20]);
  expect(measuredRates()).toBe(measuredRates());
  keepCopies();
  expect(loads()).toEqual([20, 20]);
});

test('a dry run’s load counts for the copies that there were as it began', () => {
  const { id } = beginDryRun();
  keepCopies('a');
  applyDryRun({ type: 'measured', id, storage: 'nf4', rates: BOTH });
  expect(measuredRates()[0]?.rates.load).toBeNull();
});

test('the notices of a dry run stay on show after its end, until something else is set up', () => {
  const { id } = beginDryRun();
  const notice = { type: 'notice', level: 'warning', code: 'base.copyBroken', message: 'It is damaged.' } as const;
  applyDryRun({ type: 'measureNotice', id, notice });
  forgetDryRun();
  expect(useDryRun.getState()).toMatchObject({ id, notices: [notice] });
  applyDryRun({ type: 'measured', id, storage: 'nf4', rates: BOTH });
  expect(useDryRun.getState()).toMatchObject({ id: null, notices: [notice] });
  forgetDryRun();
  expect(useDryRun.getState().notices).toEqual([]);
});

test('the error of a dry run goes when something else is set up', async () => {
  const { id, ended } = beginDryRun();
  const error = { code: 'gpu.outOfMemory', message: 'The GPU has no memory left.' };
  applyDryRun({ type: 'measureFailed', id, error });
  await expect(ended).rejects.toMatchObject({ code: 'gpu.outOfMemory' });
  expect(useDryRun.getState().error).toEqual(error);
  forgetDryRun();
  expect(useDryRun.getState().error).toBeNull();
});

/** What a page that opens with these rates in its storage takes of them. */
async function reopened(rates: Rates): Promise<MeasuredRates[]> {
  const { adapter } = useDevice.getState();
  const { modelKind, picked } = useSettings.getState();
  const stored = JSON.stringify({ [ratesKey()!]: [{ storage: 'nf4', rates, copies: '' }] });
  vi.stubGlobal('localStorage', { getItem: (name: string) => (name === 'lorikeet.rates' ? stored : null) });
  vi.resetModules();
  try {
    const [device, settings, own] = [await import('./device'), await import('./settings'), await import('./rates')];
    device.useDevice.setState({ adapter });
    settings.useSettings.setState({ modelKind, picked });
    return own.measuredRates();
  } finally {
    vi.unstubAllGlobals();
  }
}

test('stored rates that say that work takes no end, or no time, are not taken', async () => {
  expect(await reopened(BOTH)).toEqual([{ storage: 'nf4', rates: BOTH }]);
  expect(await reopened({ ...BOTH, passes: { sft: 0 } })).toEqual([]);
  expect(await reopened({ ...BOTH, decode: [{ sequences: 8, seconds: 0 }] })).toEqual([]);
});
