// How much GPU memory the user says there is, remembered for each adapter: browsers do not tell.

import { create } from 'zustand';
import { DEFAULT_GPU_MEMORY_GB } from '../../budgets/gpuMemory';
import type { AdapterInfo } from '../../protocol/messages';
import { useDevice } from './device';
import { load, save } from './persist';

type Remembered = Record<string, number>;

/** Chosen gigabytes by adapter. */
const useChosen = create<Remembered>(() => load('gpuMemory', readRemembered) ?? {});

function readRemembered(value: unknown): Remembered | null {
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).filter(([, figure]) => isFigure(figure)) as [string, number][]);
}

function isFigure(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

/** Names an adapter; empty before one is known. */
export function adapterKey(adapter: AdapterInfo | null): string {
  return adapter ? [adapter.vendor, adapter.architecture, adapter.description].join('/') : '';
}

/** The figure for the adapter in use, in GB. */
export function useGpuMemory(): number {
  const key = adapterKey(useDevice(({ adapter }) => adapter));
  return useChosen((chosen) => chosen[key] ?? DEFAULT_GPU_MEMORY_GB);
}

/** The same outside of components. */
export function gpuMemory(): number {
  return useChosen.getState()[adapterKey(useDevice.getState().adapter)] ?? DEFAULT_GPU_MEMORY_GB;
}

/** Takes and remembers a figure in GB for the adapter in use. */
export function setGpuMemory(gigabytes: number): void {
  useChosen.setState({ [adapterKey(useDevice.getState().adapter)]: gigabytes });
  save('gpuMemory', useChosen.getState());
}
