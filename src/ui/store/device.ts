// What is known about this machine: GPU adapter, storage, requests to other origins.

import { create } from 'zustand';
import { LorikeetError, type ErrorRecord } from '../../base/errors';
import { BROWSER_NEEDED } from '../../base/minimumBrowser.mjs';
import { keepsRequestsInside, namesConnections, servedPolicy } from '../../base/servedPolicy';
import type { HostTraffic } from '../../base/hubModel';
import type { AdapterInfo } from '../../protocol/messages';
import { userRewardRefusal } from '../../rewards/userRewardWorker';
import { bytesText, plural } from '../format';
import { DOWNLOAD_URL, WORKER_URLS } from '../workerUrls';

export interface DeviceView {
  adapter: AdapterInfo | null;
  /** Why there is no adapter; the page then shows what to do instead of its places. */
  problem: ErrorRecord | null;
  storage: { quota: number; usage: number } | null;
  /** Requests of this page to other origins, from the browser's own resource timing. */
  foreignRequests: number;
  /** What the server's headers hold this page to; null until it has said so. */
  guard: Guard | null;
}

export interface Guard {
  /** Neither the page nor a worker that sees data can reach another origin. */
  keepsInside: boolean;
  /** Code of the user's own can make no request at all; where it could, it is off. */
  ownRewards: boolean;
}

export const useDevice = create<DeviceView>(() => ({
  adapter: null,
  problem: earlyProblem(),
  storage: null,
  foreignRequests: 0,
  guard: null,
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

/** Asks the server which headers it sends: a worker obeys its own script's, the page its document's. */
export async function readGuard(): Promise<void> {
  try {
    const urls = [location.pathname, ...Object.values(WORKER_URLS)];
    const policies = await Promise.all(urls.map((url) => servedPolicy(url)));
    // It may reach the hub, but no host that is not named.
    const bounded = namesConnections(await servedPolicy(DOWNLOAD_URL));
    const ownRewards = (await userRewardRefusal()) === null;
    useDevice.setState({ guard: { keepsInside: bounded && policies.every(keepsRequestsInside), ownRewards } });
  } catch (error) {
    // Nothing is known then, and nothing is claimed.
    if (!(error instanceof LorikeetError) || error.code !== 'server.noAnswer') throw error;
  }
}

/** Requests for models, by host, as the download worker has made them: its policy lets it reach the hub alone. */
function hubTitle(traffic: readonly HostTraffic[]): string {
  const hosts = traffic.map(
    ({ host, requests, receivedBytes }) =>
      `${host}: ${plural(requests, 'request')}, ${bytesText(receivedBytes)} received`,
  );
  return `For models that you asked for: ${hosts.join('; ')}. No request had a body, a cookie or a token.`;
}

/** What is said of requests to other origins; a claim only where the server's headers hold the page to it. */
export function requestsText(
  { foreignRequests, guard }: DeviceView,
  traffic: readonly HostTraffic[],
): { text: string; good: boolean; title: string } {
  const asked = traffic.reduce((sum, { requests }) => sum + requests, 0);
  const counted = 'Requests to other origins that the browser has counted';
  if (foreignRequests > 0) return { text: `${foreignRequests} requests to others`, good: false, title: `${counted}.` };
  if (guard === null) return { text: 'asking', good: true, title: 'Asks the server for its security policy.' };
  if (guard.keepsInside && asked > 0) {
    return { text: `no data sent, ${plural(asked, 'request')}`, good: true, title: hubTitle(traffic) };
  }
  if (guard.keepsInside) {
    return { text: 'sent 0 B', good: true, title: `${counted}; the page's policy allows none.` };
  }
  return { text: 'no policy', good: false, title: `${counted}: none, but no policy of this server forbids them.` };
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
