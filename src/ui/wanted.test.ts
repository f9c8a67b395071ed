import { expect, test } from 'vitest';
import type { WorkerClient } from './workerClient';
import type { DataRequest, DatasetInfo } from '../protocol/messages';
import { connectClient, importFiles } from './actions';
import { useSettings, type Settings } from './store/settings';
import { assertWanted } from './wanted';

const DATA = { info: {} as DatasetInfo, bundled: false };
const OWN = { ...useSettings.getState(), modelKind: 'files', picked: { name: 'own', files: {} } } as Settings;
const READ = { source: { name: 'a', config: '', weights: new Blob() }, r: 1, lora_alpha: 1, target_modules: [] };
const ADAPTER = { kind: 'known', adapter: READ } as const;

function refusal(...args: Parameters<typeof assertWanted>): string {
  try {
    assertWanted(...args);
  } catch (error) {
    expect(error).toMatchObject({ code: 'page.notWanted' });
    return (error as Error).message;
  }
  return 'accepted';
}

test('a run that has all that was asked for may begin', () => {
  expect(refusal({ model: 'files', data: 'files', adapter: false }, OWN, DATA)).toBe('accepted');
});

test.each([
  ['a model that the page does not have', OWN, { picked: null }, DATA, 'model: files, and the page has model: none'],
  ['the demo’s model in place of a folder’s', OWN, { modelKind: 'bundled' }, DATA, 'the page has model: bundled'],
  ['the demo’s data in place of the named', OWN, {}, { ...DATA, bundled: true }, 'the page has data: bundled'],
  ['no data at all', OWN, {}, { ...DATA, info: null }, 'the page has data: none'],
  ['an adapter that nobody asked for', OWN, { adapter: ADAPTER }, DATA, 'the page has adapter: true'],
] as const)('nothing is trained with %s', (_, settings, changed, data, message) => {
  const wanted = { model: 'files', data: 'files', adapter: false } as const;
  expect(refusal(wanted, { ...settings, ...changed }, data)).toContain(message);
});

test('while no model is chosen, an import counts no tokens: the demo’s would count them otherwise', () => {
  const sent: DataRequest[] = [];
  connectClient({ toData: (message: DataRequest) => sent.push(message) } as unknown as WorkerClient);
  useSettings.setState({ modelKind: 'files', picked: null });
  importFiles([{ path: 'rows.jsonl', file: new Blob() }]);
  expect(sent).toMatchObject([{ type: 'import', name: 'rows.jsonl', model: null }]);
});
