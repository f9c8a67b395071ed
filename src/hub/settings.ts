// How the hub is asked: the defaults, and what the page's server may say instead.

import type { HubSettings } from '../base/hubModel';
import { LorikeetError } from '../base/errors';
import { isJsonObject } from '../base/json';

export const HUB_DEFAULTS: HubSettings = {
  endpoint: 'https://huggingface.co',
  // 470 requests for 7.5 GB: well below the hub's 3,000 in five minutes.
  rangeBytes: 16 * 1024 * 1024,
  connections: 4,
  idleMs: 30_000,
  retries: 5,
  retryMs: 1000,
  // Each time costs one copy of what the file holds by then: three for a shard of 4 GB.
  folderKeepBytes: 1024 * 1024 * 1024,
};

const BOUNDS: Record<Exclude<keyof HubSettings, 'endpoint'>, [number, number]> = {
  rangeBytes: [4096, 64 * 1024 * 1024],
  connections: [1, 8],
  idleMs: [100, 600_000],
  retries: [0, 20],
  retryMs: [1, 60_000],
  folderKeepBytes: [64 * 1024, 64 * 1024 * 1024 * 1024],
};

function bad(what: string): LorikeetError {
  return new LorikeetError('hub.settings', `hub.json of this page's server: ${what}.`, 'docs/hosting.md has its form.');
}

/** The origin of a hub's address. @throws hub.settings unless it is https, or http on this machine */
function endpointOf(value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  const local = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1';
  const usable = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && local));
  if (usable && url.pathname === '/' && !url.username) return url.origin;
  throw bad(`endpoint: expected the https address of a hub without a path, found ${JSON.stringify(value)}`);
}

/**
 * The settings of a server's hub.json; what it leaves out has its default.
 * @param json parsed; null: the server has none @throws hub.settings naming the field
 */
export function parseHubSettings(json: unknown): HubSettings {
  if (json === null) return HUB_DEFAULTS;
  if (!isJsonObject(json)) throw bad('expected an object');
  const settings = { ...HUB_DEFAULTS };
  for (const [name, value] of Object.entries(json)) {
    if (name === 'endpoint') settings.endpoint = endpointOf(value);
    else if (Object.hasOwn(BOUNDS, name)) {
      const field = name as keyof typeof BOUNDS;
      const [low, high] = BOUNDS[field];
      if (!Number.isSafeInteger(value) || (value as number) < low || (value as number) > high) {
        throw bad(`${name}: expected a whole number from ${low} to ${high}, found ${JSON.stringify(value)}`);
      }
      settings[field] = value as number;
    } else throw bad(`unknown field ${JSON.stringify(name)}`);
  }
  return settings;
}
