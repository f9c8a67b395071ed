// What a host has asked a run to be made of, held against what the page is set up with.

import { LorikeetError } from '../base/errors';
import type { ModelChoice, ModelSource } from '../protocol/messages';
import type { DatasetView } from './store/dataset';
import { pickedAdapter, type Settings } from './store/settings';

/** What the host has asked for; a run begins with nothing else. */
export interface Wanted {
  model: ModelChoice['kind'];
  data: ModelSource['kind'];
  /** Starts from an adapter that the host gave. */
  adapter: boolean;
}

/**
 * Makes sure that nothing the host named is replaced by a default, and that no default is replaced by what was there.
 * @throws page.notWanted
 */
export function assertWanted(
  wanted: Wanted,
  settings: Settings,
  { info, bundled }: Pick<DatasetView, 'info' | 'bundled'>,
): void {
  const { modelKind, picked, stored } = settings;
  const chosen = { bundled: true, files: picked !== null, stored: stored !== null }[modelKind];
  const found = {
    model: chosen ? modelKind : 'none',
    data: info === null ? 'none' : bundled ? 'bundled' : 'files',
    adapter: pickedAdapter(settings) !== null,
  };
  for (const part of ['model', 'data', 'adapter'] as const) {
    if (found[part] === wanted[part]) continue;
    const message = `The run was to have ${part}: ${wanted[part]}, and the page has ${part}: ${found[part]}.`;
    throw new LorikeetError('page.notWanted', message, 'Nothing was trained.');
  }
}
