// What dry runs have measured, remembered by GPU, model and storage type: a changed recipe needs no new one.

import { create } from 'zustand';
import type { Rates } from '../../planner/seconds';
import type { MeasuredRates, ModelChoice } from '../../protocol/messages';
import { useCopies } from './copies';
import { adapterKey } from './gpuMemory';
import { useDevice } from './device';
import { load, save } from './persist';
import { modelSource, useSettings } from './settings';

interface Entry extends MeasuredRates {
  /** The 4-bit copies of bases that there were; null where they were not listed yet. */
  copies: string | null;
}

/** By GPU and model; one entry per storage type. */
type Remembered = Record<string, Entry[]>;

const useRemembered = create<Remembered>(() => load('rates', readRemembered) ?? {});

const NONE: Entry[] = [];

function readRemembered(value: unknown): Remembered | null {
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value) as [string, unknown][];
  return Object.fromEntries(entries.filter((entry): entry is [string, Entry[]] => areMeasured(entry[1])));
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** A rate or a time that something always has: with 0 the time of a run would be endless, or nothing. */
function isAboveZero(value: unknown): boolean {
  return isSeconds(value) && value !== 0;
}

function areAll(value: unknown, is: (value: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(is);
}

function areMeasured(value: unknown): boolean {
  return Array.isArray(value) && value.every(isMeasured);
}

/** Whether it has the form of today: an older version may have kept others. */
function isMeasured(value: unknown): boolean {
  const { storage, rates, copies } = (value ?? {}) as Partial<Entry>;
  if (typeof storage !== 'string' || typeof rates !== 'object') return false;
  const { load: loading, firstUse, stepsTogether, passes, perUnit, perCompletion, decode } = rates;
  return (
    (copies === null || typeof copies === 'string') &&
    isSeconds(loading) &&
    isSeconds(firstUse) &&
    isAboveZero(stepsTogether) &&
    areAll(passes, isAboveZero) &&
    [perUnit, perCompletion].every((seconds) => areAll(seconds, isSeconds)) &&
    Array.isArray(decode) &&
    decode.every((step) => areAll(step, isAboveZero))
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

/** The 4-bit copies of bases that there are; null before they are listed. */
export function copiesKey(): string | null {
  const { copies } = useCopies.getState();
  return (
    copies &&
    copies
      .map(({ key }) => key)
      .sort()
      .join(' ')
  );
}

/** The same while nothing changes: what is planned with them is not planned again for a new list of the same. */
let newest: { entries: Entry[]; copies: string | null; rates: MeasuredRates[] } | null = null;

/** Of a base in 4 bits, loading took what it takes as long as the same copies are there: it is read from them. */
function asOfNow(entries: Entry[], copies: string | null): MeasuredRates[] {
  if (newest?.entries === entries && newest.copies === copies) return newest.rates;
  const rates = entries.map(({ storage, rates: own, copies: then }) => {
    const isOther = storage === 'nf4' && then !== null && copies !== null && then !== copies;
    return { storage, rates: isOther ? { ...own, load: null } : own };
  });
  newest = { entries, copies, rates };
  return rates;
}

/** What was measured with this GPU and model. */
export function measuredRates(): MeasuredRates[] {
  const key = ratesKey();
  return asOfNow(key === null ? NONE : (useRemembered.getState()[key] ?? NONE), copiesKey());
}

/** The same within components: changes when there is something new. */
export function useMeasuredRates(): MeasuredRates[] {
  useSettings();
  useDevice(({ adapter }) => adapter);
  useCopies(({ copies }) => copies);
  useRemembered();
  return measuredRates();
}

/** Newer rates with those of phases that only older ones have: a stage that a recipe left out was measured with another. */
function merged(older: Rates, newer: Rates): Rates {
  const isWhole = Object.keys(older.passes).every((phase) => phase in newer.passes);
  return {
    ...newer,
    firstUse: isWhole ? newer.firstUse : Math.max(older.firstUse, newer.firstUse),
    passes: { ...older.passes, ...newer.passes },
    perUnit: { ...older.perUnit, ...newer.perUnit },
    perCompletion: { ...older.perCompletion, ...newer.perCompletion },
    decode: newer.decode.length > 0 ? newer.decode : older.decode,
  };
}

/**
 * Remembers what was measured, phase by phase in the place of what was measured with the same storage type.
 * @param key of `ratesKey` @param copies of `copiesKey` when it began
 */
export function rememberRates(key: string, { storage, rates }: MeasuredRates, copies: string | null): void {
  const all = useRemembered.getState()[key] ?? NONE;
  const older = all.find((entry) => entry.storage === storage)?.rates;
  const entry = { storage, rates: older ? merged(older, rates) : rates, copies };
  useRemembered.setState({ [key]: [...all.filter((other) => other.storage !== storage), entry] });
  save('rates', useRemembered.getState());
}
