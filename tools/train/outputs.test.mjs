import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Failure } from '../launcher/failure.mjs';
import { saveOutputs } from './outputs.mjs';

let folder;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'outputs-'))));
afterEach(() => rm(folder, { recursive: true }));

/** A page that has every file but those in `lacking`. */
function sessionWithout(lacking) {
  const messages = new EventEmitter();
  return {
    next: (types, wanted) =>
      new Promise((resolve) => messages.on(types[0], (message) => wanted(message) && resolve(message))),
    call: async (_, name) => {
      if (lacking.includes(name)) throw new Failure(`${name} is not stored`, undefined, 'artifact.missing');
      messages.emit('artifact', { type: 'artifact', name, base64: Buffer.from('{}').toString('base64') });
    },
  };
}

test('a run without a check case has left everything that it has to', async () => {
  const { written, missing } = await saveOutputs(sessionWithout(['case.json', 'case.safetensors']), folder);
  expect(missing).toEqual([]);
  expect(written).toContain('adapter/adapter_model.safetensors');
  expect(written.filter((place) => place.startsWith('check/'))).toEqual([]);
});

test('an adapter that is not there is missing', async () => {
  const { missing } = await saveOutputs(sessionWithout(['adapter_config.json']), folder);
  expect(missing).toEqual([expect.stringMatching(/^adapter\/adapter_config\.json: /)]);
});
