// `npm run train -- --model owner/name`: fetched by the page once, trained, kept for the next time.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { longTest } from '../src/base/testing/longTest';
import { startTestHub, TEST_COMMIT, type TestHub } from '../src/hub/testing/hubServer';
import { demoRepository } from '../src/hub/testing/modelFiles';
import { readJson, temporaryFolder, writeDataset, writeRecipe } from './dataFolder';
import { REPOSITORY } from './repository';

const ID = 'Lorikeet/demo';
/** Of the test's own, so that it never meets a training of a person's. */
const PORT = String(20_000 + (process.pid % 10_000));

let hub: TestHub;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  hub = await startTestHub(ID, demoRepository(), { license: 'other', license_name: 'qwen-research' });
  folder = await temporaryFolder();
});

afterAll(async () => {
  await hub.close();
  await folder.remove();
});

/** Runs the command to its end; resolves with exit code and all that was printed. */
function train(model: string, out: string, ...more: string[]): Promise<{ code: number | null; text: string }> {
  const hosts = `${hub.endpoint},${hub.fileServer}`;
  const flags = ['--model', model, '--hub-host', hosts, '--port', PORT, '--software', '--out', join(folder.path, out)];
  const child = spawn(process.execPath, ['tools/run.mjs', 'train', ...flags, ...more], {
    cwd: REPOSITORY,
    env: { ...process.env, LORIKEET_CACHE: join(folder.path, 'cache') },
  });
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  child.stderr.on('data', (part) => (text += part));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, text })));
}

longTest(
  'a model of the hub is fetched once, trained under its name, and asked for no more when its commit is named',
  async () => {
    const data = await writeDataset(folder.path, 'few', 6, 2);
    const recipe = await writeRecipe(folder.path, { sftSteps: 1, grpoSteps: 1, evalRows: 1 });
    const first = await train(ID, 'first', '--data', data, '--recipe', recipe);
    expect(first.text).toContain(`Model: ${ID} at ${TEST_COMMIT.slice(0, 12)}`);
    expect(first.text).toContain('licence qwen-research');
    expect(first.code, first.text).toBe(0);
    const config = await readJson(join(folder.path, 'first/adapter/adapter_config.json'));
    expect(config['base_model_name_or_path']).toBe(ID);
    expect(await readJson(join(folder.path, 'first/run.json'))).toMatchObject({ model: `${ID}@${TEST_COMMIT}` });
    expect(hub.seen.filter(({ at }) => at === 'files').length).toBe(1);

    // Without data and recipe: the demo's, not those of the training before, which the same browser profile has seen.
    hub.reset(demoRepository());
    const second = await train(`${ID}@${TEST_COMMIT}`, 'second', '--recipe', recipe);
    expect(second.text).toContain('Data: Demo');
    expect(second.code, second.text).toBe(0);
    expect(hub.seen).toEqual([]);
  },
);

test('a model that the hub does not have is named, and nothing is trained', async () => {
  const { code, text } = await train('Lorikeet/nothing', 'none');
  expect(code).toBe(1);
  expect(text).toContain('(hub.missing)');
  expect(text).toContain('Lorikeet/nothing');
});
