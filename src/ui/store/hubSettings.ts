// How the hub is asked, as this page's server says it in hub.json; a server without one leaves the defaults.

import type { HubSettings } from '../../base/hubModel';
import { parseHubSettings } from '../../hub/settings';
import { LorikeetError } from '../../base/errors';

async function read(): Promise<HubSettings> {
  const response = await fetch('hub.json', { cache: 'no-cache' }).catch((error: unknown) => {
    throw new LorikeetError('server.noAnswer', `This page’s server could not be asked for hub.json: ${String(error)}.`);
  });
  const json = response.headers.get('content-type')?.includes('json') ?? false;
  return parseHubSettings(response.ok && json ? ((await response.json()) as unknown) : null);
}

let known: Promise<HubSettings> | null = null;

/** The settings; asked for once. @throws hub.settings, server.noAnswer */
export function readHubSettings(): Promise<HubSettings> {
  known ??= read().catch((error: unknown) => {
    known = null;
    throw error;
  });
  return known;
}
