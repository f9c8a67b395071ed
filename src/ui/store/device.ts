// What is known about this machine: GPU adapter, storage, requests to other origins.

import { create } from 'zustand';
import type { ErrorRecord } from '../../base/errors';
import { BROWSER_NEEDED } from '../../base/minimumBrowser.mjs';
import type { AdapterInfo } from '../../protocol/messages';

export interface DeviceView {
  adapter: AdapterInfo | null;
  /** Why there is no adapter; the page then shows what to do instead of its places. */
  problem: ErrorRecord | null;
  storage: { quota: number; usage: number } | null;
  /** Requests of this page to other origins, from the browser's own resource timing. */
  foreignRequests: number;
}

export const useDevice = create<DeviceView>(() => ({
  adapter: null,
  problem: earlyProblem(),
  storage: null,
  foreignRequests: 0,
}));

function earlyProblem(): ErrorRecord | null {
  if (typeof window === 'undefined') return null;
  if (!window.isSecureContext) {
    return {
      code: 'browser.insecure',
      message: `WebGPU works on https:// and on localhost only; this page came from ${location.origin}.`,
    };
  }
  if (!('gpu' in navigator)) return { code: 'browser.noWebGpu', message: 'This browser has no WebGPU.' };
  // What makes MINIMUM_CHROME the minimum.
  if (!('info' in GPUAdapter.prototype)) {
    return { code: 'browser.tooOld', message: `This browser is too old: Lorikeet needs ${BROWSER_NEEDED}.` };
  }
  return null;
}

/** A short name of the adapter for the header. */
export function adapterName(adapter: AdapterInfo): string {
  const name = adapter.description || [adapter.vendor, adapter.architecture].filter(Boolean).join(' ') || 'WebGPU';
  const short = /swiftshader/i.test(name) ? 'SwiftShader' : /llvmpipe|lavapipe/i.test(name) ? 'llvmpipe' : name;
  return adapter.software ? `${short} (software)` : short;
}

/** Reads the storage estimate; browsers without one leave it unknown. */
export async function readStorage(): Promise<void> {
  if (!navigator.storage?.estimate) return;
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  useDevice.setState({ storage: { quota, usage } });
}

/** Counts requests that this page sends to other origins, from now on and since it was opened. */
export function watchRequests(): void {
  new PerformanceObserver((list) => {
    const foreign = list.getEntries().filter((entry) => isForeign(entry.name)).length;
    if (foreign > 0) useDevice.setState((view) => ({ foreignRequests: view.foreignRequests + foreign }));
  }).observe({ type: 'resource', buffered: true });
}

function isForeign(name: string): boolean {
  const url = new URL(name, location.href);
  return /^(https?|wss?):$/.test(url.protocol) && url.host !== location.host;
}
