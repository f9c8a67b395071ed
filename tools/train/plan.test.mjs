import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Failure } from '../launcher/failure.mjs';
import { readPlan } from './plan.mjs';
import { ownVersion, readRunRecord, RUN_FILE, RUN_RECORD, writeRunRecord } from './runRecord.mjs';

let root;
let calledFrom;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'lorikeet plan-')));
  calledFrom = process.env.INIT_CWD;
  process.env.INIT_CWD = root;
});
afterEach(async () => {
  if (calledFrom === undefined) delete process.env.INIT_CWD;
  else process.env.INIT_CWD = calledFrom;
  await rm(root, { recursive: true, force: true });
});

const RECORD = { data: null, model: null, adapter: null, seed: 7, software: true, version: '0.0.1' };

/** Makes OUT as a runner leaves it; `file` false leaves the run file out. */
async function leaveRun(state, { file = true, ...changes } = {}) {
  const out = join(root, 'out');
  await writeRunRecord(out, { ...RECORD, state, ...changes });
  if (file) await writeFile(join(out, RUN_FILE), 'bytes');
  return out;
}

/** Makes a folder of data with one file; resolves with its path. */
async function leaveData(name) {
  await mkdir(join(root, name));
  await writeFile(join(root, name, 'a.jsonl'), '');
  return join(root, name);
}

/** The failure that flags bring, message and hint in one text. */
function refusal(flags) {
  try {
    readPlan(flags);
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    return `${error.message}\n${error.hint ?? ''}`;
  }
  throw new Error(`nothing was refused: ${JSON.stringify(flags)}`);
}

test('what is written into run.json is what is read from it', async () => {
  const record = { ...RECORD, state: 'stopped', data: join(root, 'data'), model: join(root, 'model') };
  await writeRunRecord(root, record);
  expect(readRunRecord(root)).toEqual(record);
});

test.each(['running', 'stopped', 'failed'])(
  'a run that is %s is resumed with its own seed and folders',
  async (state) => {
    const data = await leaveData('data');
    const out = await leaveRun(state, { data });
    const plan = readPlan({ resume: 'out' });
    expect(plan).toMatchObject({ out, model: null, seed: 7, software: true, resumed: true, finished: false });
    expect(plan.data).toEqual({ path: data, files: [{ name: 'data/a.jsonl', path: join(data, 'a.jsonl') }] });
    expect(plan).toMatchObject({ recipe: null, version: '0.0.1' });
  },
);

test('a finished run has nothing to go on with, even when its folders are gone', async () => {
  await leaveRun('finished', { data: join(root, 'gone'), file: false });
  expect(readPlan({ resume: 'out' }).finished).toBe(true);
});

test('a moved folder is refused with the command that says where it is now', async () => {
  const data = await leaveData('data');
  await leaveRun('stopped', { data });
  await rename(data, join(root, 'elsewhere'));
  const text = refusal({ resume: 'out' });
  expect(text).toContain(`the run's data is not there any more: ${data}`);
  expect(text).toContain('npm run train -- --resume out --data DIR');
  expect(readPlan({ resume: 'out', data: 'elsewhere' }).data.path).toBe(join(root, 'elsewhere'));
});

test('a run of the demo model takes no other model', async () => {
  await leaveRun('stopped');
  await mkdir(join(root, 'model'));
  expect(refusal({ resume: 'out', model: 'model' })).toContain('The run trains the demo model.');
});

test('the adapter that a run began with is not needed to go on', async () => {
  await leaveRun('stopped', { adapter: join(root, 'gone') });
  expect(readPlan({ resume: 'out' }).adapter.path).toBe(join(root, 'gone'));
});

test.each([
  ['seed', '1', 'A run keeps its seed.'],
  ['gpu-memory', '8', 'from the memory that it began with'],
  ['adapter', 'DIR', 'The run file holds the adapter'],
  ['out', 'other', 'where the earlier ones are'],
])('--%s with --resume is refused', async (flag, value, reason) => {
  await leaveRun('stopped');
  const text = refusal({ resume: 'out', [flag]: value });
  expect(text).toContain(`--${flag} cannot be given with --resume.`);
  expect(text).toContain(reason);
});

test('a recipe with --resume is passed on as the mended one', async () => {
  await leaveRun('failed');
  await writeFile(join(root, 'mended.json'), '{"grpo":{}}');
  expect(readPlan({ resume: 'out', recipe: 'mended.json' }).recipe).toBe('{"grpo":{}}');
});

test('a run that ended before its first checkpoint has to begin again', async () => {
  await leaveRun('running', { file: false });
  expect(refusal({ resume: 'out' })).toContain('ended before its first checkpoint');
});

test('a folder without run.json is not a run', async () => {
  await mkdir(join(root, 'out'));
  expect(refusal({ resume: 'out' })).toContain(`no ${RUN_RECORD} in it`);
  expect(refusal({ resume: 'nowhere' })).toContain('--resume nowhere: there is no');
});

test.each([
  ['not JSON', '{"format": 1,', 'JSON'],
  ['of a newer format', '{"format": 2}', 'of a newer Lorikeet'],
  ['of no format', '{}', 'format: expected 1'],
  ['in an unknown state', '{"format": 1, "state": "dozing"}', 'found dozing'],
  ['without a seed', '{"format": 1, "state": "stopped"}', 'seed: expected a whole number'],
  ['with a wrong path', '{"format": 1, "state": "stopped", "seed": 0, "data": 3}', 'data: expected a path or null'],
])('a run.json that is %s is refused with its path', async (_, text, reason) => {
  const out = join(root, 'out');
  await mkdir(out);
  await writeFile(join(out, RUN_RECORD), text);
  expect(refusal({ resume: 'out' })).toContain(join(out, RUN_RECORD));
  expect(refusal({ resume: 'out' })).toContain(reason);
});

test('a new run never takes the folder of an unfinished one', async () => {
  await leaveRun('stopped');
  expect(refusal({ out: 'out' })).toContain('npm run train -- --resume out');
});

test('a new run takes the folder of a finished one only when it is told to overwrite', async () => {
  const out = await leaveRun('finished');
  expect(refusal({ out: 'out' })).toContain('--overwrite');
  expect(readPlan({ out: 'out', overwrite: true })).toMatchObject({ out, resumed: false, version: ownVersion() });
});

test.each(['adapter', 'summary.json', RUN_FILE])(
  'a folder with %s and no run.json is taken only when it is told to overwrite',
  async (name) => {
    const out = join(root, 'out');
    await mkdir(join(out, name), { recursive: true });
    expect(refusal({ out: 'out' })).toContain(`${out} holds results of a run`);
    expect(readPlan({ out: 'out', overwrite: true }).out).toBe(out);
  },
);

/** A safetensors file that holds nothing. */
const EMPTY_WEIGHTS = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d);

/** Makes an adapter's folder. */
async function leaveAdapter(config, weights) {
  const folder = join(root, 'run', 'adapter');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'adapter_config.json'), config);
  if (weights !== undefined) await writeFile(join(folder, 'adapter_model.safetensors'), weights);
  return folder;
}

test('an adapter folder must hold both files of PEFT', async () => {
  await leaveAdapter('{"peft_type": "LORA"}');
  expect(refusal({ adapter: 'run' })).toContain(`There is an adapter in ${join('run', 'adapter')}.`);
  expect(refusal({ adapter: 'run/adapter' })).toContain('no adapter_model.safetensors in it');
  const folder = await leaveAdapter('{"peft_type": "LORA"}', EMPTY_WEIGHTS);
  const { adapter } = readPlan({ adapter: 'run/adapter', out: 'out' });
  expect(adapter.path).toBe(folder);
  expect(adapter.files.map(({ name }) => name)).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
});

test('a run never moves the adapter that it starts from, however that is named', async () => {
  await leaveAdapter('{"peft_type": "LORA"}', EMPTY_WEIGHTS);
  await symlink('run', join(root, 'link'));
  for (const [adapter, out] of [
    ['run/adapter', 'run'],
    ['link/adapter', 'run'],
    ['run/adapter', 'link'],
  ]) {
    expect(refusal({ adapter, out, overwrite: true })).toContain('is among the results in --out');
  }
  expect(readPlan({ adapter: 'run/adapter', out: 'run/next' }).adapter.path).toBe(join(root, 'run', 'adapter'));
});

test.each([
  ['a config that is not JSON', '{"peft_type"', EMPTY_WEIGHTS, 'adapter_config.json: '],
  ['another kind of adapter', '{"peft_type": "IA3"}', EMPTY_WEIGHTS, 'peft_type is "IA3", expected "LORA"'],
  ['a Git LFS pointer', '{"peft_type": "LORA"}', 'version https://git-lfs.github.com/spec/v1', '(42 bytes'],
  ['an empty file of weights', '{"peft_type": "LORA"}', '', '(0 bytes'],
])('an adapter with %s is refused by name', async (_, config, weights, reason) => {
  await leaveAdapter(config, weights);
  expect(refusal({ adapter: 'run/adapter', out: 'out' })).toContain(reason);
});

test('a model whose files are links is given as the linked files, hidden ones apart', async () => {
  await mkdir(join(root, 'model'));
  await writeFile(join(root, 'blob'), '{}');
  await symlink('../blob', join(root, 'model', 'config.json'));
  await writeFile(join(root, 'model', '._config.json'), 'what another system left');
  const { model } = readPlan({ model: 'model', out: 'out' });
  expect(model.files).toEqual([{ name: 'config.json', path: join(root, 'blob') }]);
});

test('data may be a zip or one file of rows', async () => {
  await writeFile(join(root, 'rows.zip'), '');
  expect(readPlan({ data: 'rows.zip', out: 'out' }).data.files).toEqual([
    { name: 'rows.zip', path: join(root, 'rows.zip') },
  ]);
});

test('an empty folder of data is refused at once', async () => {
  await mkdir(join(root, 'empty'));
  expect(refusal({ data: 'empty' })).toContain(`--data empty: there are no files in ${join(root, 'empty')}.`);
});

test('the GPU memory is a whole number of gigabytes, and without the flag the page’s own figure', () => {
  expect(readPlan({ 'gpu-memory': '12', out: 'out' }).gpuMemory).toBe(12);
  expect(readPlan({ out: 'out' }).gpuMemory).toBe(null);
  expect(refusal({ 'gpu-memory': '8GB', out: 'out' })).toContain('--gpu-memory 8GB: expected a whole number from 1 to');
});

test('a recipe with a byte order mark is read, and one in UTF-16 is named', async () => {
  await writeFile(join(root, 'bom.json'), '\ufeff{"seed": 3}');
  expect(readPlan({ recipe: 'bom.json', out: 'out' }).recipe).toBe('{"seed": 3}');
  await writeFile(join(root, 'wide.json'), '\ufeff{"seed": 3}', 'utf16le');
  expect(refusal({ recipe: 'wide.json', out: 'out' })).toContain(
    '--recipe wide.json: the file is UTF-16 (little endian); save it as UTF-8',
  );
});

test('a model is a folder where there is one, else a name on the hub, else refused by both', async () => {
  const hub = { id: 'Qwen/Qwen2.5-VL-3B-Instruct', revision: 'main' };
  expect(readPlan({ model: hub.id }).model).toEqual({ path: hub.id, files: [], hub });
  expect(readPlan({ model: `${hub.id}@v1.0` }).model.hub.revision).toBe('v1.0');
  await mkdir(join(root, 'Qwen/Qwen2.5-VL-3B-Instruct'), { recursive: true });
  await writeFile(join(root, hub.id, 'config.json'), '{}');
  expect(readPlan({ model: hub.id }).model.path).toBe(join(root, hub.id));
  for (const model of ['nowhere', './a/b', 'a/b/c', 'a/b@']) {
    const text = refusal({ model });
    expect(text).toContain(`--model ${model}: there is no ${join(root, model)}, and it is no name`);
    expect(text).toContain('owner/name[@revision]');
  }
});

test('a run on a model of the hub goes on with the commit that it began with', async () => {
  const commit = 'c0ffee0123456789c0ffee0123456789c0ffee01';
  await leaveRun('stopped', { model: `a/b@${commit}` });
  expect(readPlan({ resume: 'out' }).model.hub).toEqual({ id: 'a/b', revision: commit });
});
