// What dry runs have measured, remembered by GPU, model and storage type: a changed recipe needs no new one.

import { create } from 'zustand';
import type { MeasuredRates, ModelChoice } from '../../protocol/messages';
import { adapterKey } from './gpuMemory';
import { useDevice } from './device';
import { load, save } from './persist';
import { modelSource, useSettings } from './settings';

/** By GPU and model; one entry per storage type. */
type Remembered = Record<string, MeasuredRates[]>;

const useRemembered = create<Remembered>(() => load('rates', readRemembered) ?? {});

const NONE: MeasuredRates[] = [];

function readRemembered(value: unknown): Remembered | null {
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value) as [string, unknown][];
  return Object.fromEntries(entries.filter((entry): entry is [string, MeasuredRates[]] => areMeasured(entry[1])));
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function areSeconds(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(isSeconds);
}

function areMeasured(value: unknown): boolean {
  return Array.isArray(value) && value.every(isMeasured);
}

/** Whether it has the form of today: an older version may have kept others. */
function isMeasured(value: unknown): boolean {
  const { storage, rates } = (value ?? {}) as Partial<MeasuredRates>;
  if (typeof storage !== 'string' || typeof rates !== 'object') return false;
  const { load: loading, firstUse, stepsTogether, passes, perUnit, perCompletion, decode } = rates;
  return (
    [loading, firstUse, stepsTogether].every(isSeconds) &&
    [passes, perUnit, perCompletion].every(areSeconds) &&
    Array.isArray(decode) &&
    decode.every(areSeconds)
  );
}

/** Names a model's files: a folder has no other name than its own, so its sizes count too. */
function modelKey(model: ModelChoice): string {
  switch (model.kind) {
    case 'bundled':
      return 'demo';
    case 'stored':
      return model.key;
    case 'files':
      return `${model.name} ${Object.values(model.files).reduce((sum, { size }) => sum + size, 0)}`;
    default:
      return model satisfies never;
  }
}

/** The GPU and the model in use; null where either is missing. */
export function ratesKey(): string | null {
  const { adapter } = useDevice.getState();
  const model = modelSource(useSettings.getState());
  return adapter && model ? `${adapterKey(adapter)} ${modelKey(model)}` : null;
}

/** What was measured with this GPU and model. */
export function measuredRates(): MeasuredRates[] {
  const key = ratesKey();
  return key === null ? NONE : (useRemembered.getState()[key] ?? NONE);
}

/** The same within components: changes when there is something new. */
export function useMeasuredRates(): MeasuredRates[] {
  useSettings();
  useDevice(({ adapter }) => adapter);
  useRemembered();
  return measuredRates();
}

/** Remembers what was measured, in the place of what was measured with the same storage type. @param key of `ratesKey` */
export function rememberRates(key: string, measured: MeasuredRates): void {
  const others = (useRemembered.getState()[key] ?? NONE).filter(({ storage }) => storage !== measured.storage);
  useRemembered.setState({ [key]: [...others, measured] });
  save('rates', useRemembered.getState());
}
