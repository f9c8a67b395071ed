// `npm run train -- --resume OUT`: whatever ended a run, going on with it gives what it would have given anyway.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { threefry2x32, unitFloat } from '../src/base/random';
import { longTest } from '../src/base/testing/longTest';
import { CLOCKS } from './clocks';
import { DEMO_MODEL, readJson, temporaryFolder, writeDataset } from './dataFolder';
import { REPOSITORY } from './repository';

const SFT_STEPS = 4;
const GRPO_STEPS = 4;
const PATIENCE_MS = 240_000;

/** Tiny, with a checkpoint after every step, and a rollout that lasts for two optimizer steps. */
const RECIPE = {
  system_prompt: 'Think in <thought></thought>, then reply in <answer></answer>.',
  target_template: '<thought> {thought}</thought>\n<answer>{answer}</answer>',
  max_prompt_length: 128,
  lora: { r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['q_proj', 'v_proj'] },
  sft: {
    ...{ max_steps: SFT_STEPS, per_device_train_batch_size: 2, gradient_accumulation_steps: 1 },
    ...{ save_steps: 1, learning_rate: 0.008 },
  },
  grpo: {
    ...{ max_steps: GRPO_STEPS, per_device_train_batch_size: 4, gradient_accumulation_steps: 1, num_generations: 2 },
    ...{ num_iterations: 2, disable_dropout: true, save_steps: 1, learning_rate: 0.003, max_completion_length: 24 },
  },
  eval: { rows: 2, samples_per_row: 1 },
};

interface Runner {
  child: ChildProcess;
  /** Everything that it wrote so far. */
  output(): string;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>;
}

let folder: { path: string; remove(): Promise<void> };
let data: string;
let recipe: string;
const started: Runner[] = [];

/** Starts the terminal runner in the test's folder, as npm would. */
function train(...flags: string[]): Runner {
  const child = spawn(process.execPath, [join(REPOSITORY, 'tools/run.mjs'), 'train', ...flags], {
    cwd: REPOSITORY,
    env: { ...process.env, INIT_CWD: folder.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.stderr.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  const runner = { child, ended, output: () => Buffer.concat(parts).toString('utf8') };
  started.push(runner);
  return runner;
}

function trainNew(out: string, ...flags: string[]): Runner {
  return train('--data', data, '--recipe', recipe, '--seed', '3', '--out', out, '--software', ...flags);
}

/** Waits until the runner has written `text`; fails at once when it ends before. */
async function untilSays(runner: Runner, text: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  let over = false;
  void runner.ended.then(() => (over = true));
  while (!runner.output().includes(text)) {
    const why = over ? 'it ended' : Date.now() > deadline ? `${PATIENCE_MS} ms passed` : null;
    if (why) throw new Error(`${why} without "${text}":\n${runner.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits for the end of a runner and expects how it ended. */
async function endsWith(runner: Runner, end: number | NodeJS.Signals): Promise<string> {
  const found = await runner.ended;
  expect(found, runner.output()).toBe(end);
  return runner.output();
}

/** Process ids of a runner's children: its browser. */
function childrenOf(runner: Runner): number[] {
  const table = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).stdout.trim().split('\n');
  const rows = table.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line));
  const own = rows.filter((row) => row && Number(row[2]) === runner.child.pid && row[3]!.includes('--user-data-dir'));
  return own.map((row) => Number(row![1]));
}

let drawn = 0;

/** The next number from 0 to 1 of a sequence that is the same in every test run, so that a failure can be repeated. */
function random(): number {
  return unitFloat(threefry2x32(20261124, 0, drawn++, 0)[0]);
}

/**
 * A moment within a stage: after a checkpoint of its first half, drawn at random, some of the next step later. The other
 * half leaves time in which a busy machine may be late.
 */
async function seededMoment(runner: Runner, stage: 'SFT' | 'GRPO'): Promise<void> {
  const half = (stage === 'SFT' ? SFT_STEPS : GRPO_STEPS) / 2;
  await untilSays(runner, `checkpoint: ${stage} step ${1 + Math.floor(random() * half)},`);
  await new Promise((resolve) => setTimeout(resolve, random() * 600));
}

/** metrics.csv without its columns of times. */
async function metrics(out: string): Promise<string[][]> {
  const text = await readFile(join(folder.path, out, 'metrics.csv'), 'utf8');
  const [head, ...rows] = text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.split(','));
  const kept = head!.flatMap((name, i) => (CLOCKS.test(name) ? [] : [i]));
  return [head!, ...rows].map((row) => kept.map((i) => row[i]!));
}

/** Expects that a folder holds what the uninterrupted run left. */
async function expectSameResults(out: string): Promise<void> {
  expect(await metrics(out)).toEqual(await metrics('whole'));
  for (const name of ['adapter/adapter_model.safetensors', 'adapter/adapter_config.json', 'completions.jsonl']) {
    const [found, expected] = await Promise.all(
      [out, 'whole'].map((place) => readFile(join(folder.path, place, name))),
    );
    expect(found!.equals(expected!), `${name} is byte-equal`).toBe(true);
  }
  expect(await readJson(join(folder.path, out, 'summary.json'))).toMatchObject({ complete: true });
  expect(await readJson(join(folder.path, out, 'run.json'))).toMatchObject({ state: 'finished', seed: 3 });
  expect((await readdir(join(folder.path, out))).filter((name) => name.endsWith('.part'))).toEqual([]);
}

beforeAll(async () => {
  folder = await temporaryFolder();
  data = await writeDataset(folder.path, 'shapes', 12, 4);
  recipe = join(folder.path, 'recipe.json');
  await writeFile(recipe, JSON.stringify(RECIPE));
  await endsWith(trainNew('whole'), 0);
});

afterAll(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  await folder.remove();
});

longTest('a run whose browser and whose runner are killed goes on to the same adapter and metrics', async () => {
  const first = trainNew('killed');
  await seededMoment(first, 'SFT');
  const [browser] = childrenOf(first);
  expect(browser, 'the runner has a browser').toBeDefined();
  process.kill(browser!, 'SIGKILL');
  const output = await endsWith(first, 1);
  expect(output).toContain('the browser closed before the work was done.');
  expect(output).toContain('Go on with: npm run train -- --resume killed');

  const second = train('--resume', 'killed');
  // Which checkpoint had reached the folder depends on the moment; the results must not.
  await untilSays(second, 'Goes on from the checkpoint: ');
  await seededMoment(second, 'GRPO');
  second.child.kill('SIGKILL');
  await endsWith(second, 'SIGKILL');
  expect(await readJson(join(folder.path, 'killed', 'run.json'))).toMatchObject({ state: 'running' });

  expect(await endsWith(train('--resume', 'killed'), 0)).toContain('Goes on from the checkpoint: ');
  await expectSameResults('killed');
});

test('after Ctrl-C other data and settings are refused, and the command that was shown finishes the run', async () => {
  const first = trainNew('stopped');
  await seededMoment(first, 'GRPO');
  first.child.kill('SIGINT');
  const output = await endsWith(first, 130);
  // A way on is named once it is there.
  const saved = output.indexOf('Files in stopped:');
  expect(output.slice(0, saved)).not.toContain('--resume');
  expect(output.slice(saved)).toContain('Go on with: npm run train -- --resume stopped');
  expect(await readJson(join(folder.path, 'stopped', 'run.json'))).toMatchObject({ state: 'stopped' });
  const kept = await readFile(join(folder.path, 'stopped', 'run.safetensors'));

  const other = await writeDataset(folder.path, 'others', 10, 4);
  const refused = await endsWith(train('--resume', 'stopped', '--data', other), 1);
  expect(refused).toContain('"others" is not the data that this run was trained on ("shapes"). (checkpoint.dataset)');
  await writeFile(join(folder.path, 'changed.json'), JSON.stringify({ ...RECIPE, max_prompt_length: 120 }));
  expect(await endsWith(train('--resume', 'stopped', '--recipe', 'changed.json'), 1)).toContain('(checkpoint.recipe)');
  expect((await readFile(join(folder.path, 'stopped', 'run.safetensors'))).equals(kept)).toBe(true);

  await endsWith(train('--resume', 'stopped'), 0);
  await expectSameResults('stopped');
});

/** Every file below a folder with its content, by path. */
async function contents(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, await readFile(file, 'base64')])));
}

test('a finished run has nothing left to do, and one that fails before its first checkpoint leaves it as it was', async () => {
  expect(await endsWith(train('--resume', 'whole'), 0)).toContain('has finished; there is nothing to go on with.');
  const before = await contents(join(folder.path, 'whole'));
  await writeFile(join(folder.path, 'short.json'), JSON.stringify({ ...RECIPE, max_prompt_length: 10 }));
  const flags = ['--data', data, '--recipe', 'short.json', '--out', 'whole', '--software'];
  expect(await endsWith(train(...flags), 1)).toContain('holds a finished run, which stays as it is.');
  const output = await endsWith(train(...flags, '--overwrite'), 1);
  expect(output).toContain('(data.empty)');
  expect(output).toContain('The earlier run in whole is as it was.');
  expect(await contents(join(folder.path, 'whole'))).toEqual(before);
});

test('SIGTERM before there is a run ends at once and leaves nothing behind', async () => {
  const runner = trainNew('early');
  await untilSays(runner, 'Training in Chromium');
  runner.child.kill('SIGTERM');
  expect(await endsWith(runner, 130)).not.toContain('resumed');
  expect(await readdir(join(folder.path, 'early'))).toEqual([]);
});

longTest(
  'a run that its own reward made fail goes on with the mended reward, beside the run that was there before',
  async () => {
    const withReward = (javascript: string): string => {
      const grpo = {
        ...RECIPE.grpo,
        max_steps: 1,
        num_iterations: 1,
        reward_funcs: ['format', { name: 'own', javascript }],
      };
      return JSON.stringify({ ...RECIPE, sft: { ...RECIPE.sft, max_steps: 1 }, grpo });
    };
    await writeFile(
      join(folder.path, 'wrong.json'),
      withReward('function score(batch) { return batch.nothing.length; }'),
    );
    const mended = 'function score(batch) { return batch.completions.map((text) => text.length); }';
    await writeFile(join(folder.path, 'mended.json'), withReward(mended));

    await cp(join(folder.path, 'whole'), join(folder.path, 'failed'), { recursive: true });
    const failed = await endsWith(
      train('--data', data, '--recipe', 'wrong.json', '--out', 'failed', '--software', '--overwrite'),
      1,
    );
    expect(failed).toMatch(/error: .*own.*\(reward\.\w+\)/);
    expect(failed).toContain('Go on with: npm run train -- --resume failed');
    expect(failed).toContain(`The earlier run is in ${join('failed', 'previous')}.`);
    expect(await readJson(join(folder.path, 'failed', 'run.json'))).toMatchObject({ state: 'failed' });
    const kept = Object.values(await contents(join(folder.path, 'failed', 'previous')));
    expect(kept.sort()).toEqual(Object.values(await contents(join(folder.path, 'whole'))).sort());
    await endsWith(train('--resume', 'failed', '--recipe', 'mended.json'), 0);
    expect(await readJson(join(folder.path, 'failed', 'summary.json'))).toMatchObject({ complete: true, stepsGrpo: 1 });
  },
);

/** A folder of links to the files of `source`, as model caches keep a snapshot: names that only the links have. */
async function linked(name: string, source: string): Promise<string> {
  const [blobs, snapshot] = [join(folder.path, `${name}-blobs`), join(folder.path, name)];
  await Promise.all([blobs, snapshot].map((path) => mkdir(path)));
  for (const [i, file] of (await readdir(source)).entries()) {
    await cp(join(source, file), join(blobs, String(i)));
    await symlink(`../${name}-blobs/${i}`, join(snapshot, file));
  }
  return snapshot;
}

longTest(
  'links to model, adapter and pictures are followed: the run starts from the adapter, in its shape',
  async () => {
    const model = await linked('snapshot', DEMO_MODEL);
    // Another name than the demo's own: what was trained must be told.
    const config = { ...(await readJson(join(DEMO_MODEL, 'config.json'))), _name_or_path: 'mine/of-links' };
    await writeFile(join(model, 'config.json'), JSON.stringify(config));
    await linked('linked-adapter', join(folder.path, 'whole/adapter'));
    await mkdir(join(folder.path, 'linked-data'));
    for (const name of await readdir(data)) await symlink(join(data, name), join(folder.path, 'linked-data', name));
    const still = {
      max_steps: 1,
      per_device_train_batch_size: 1,
      gradient_accumulation_steps: 1,
      learning_rate: 1e-30,
    };
    const settings = { ...RECIPE, lora: { ...RECIPE.lora, r: 4 }, sft: still, grpo: { max_steps: 0 } };
    await writeFile(join(folder.path, 'still.json'), JSON.stringify(settings));
    const flags = [
      ...['--model', 'snapshot', '--data', 'linked-data', '--adapter', 'linked-adapter'],
      ...['--recipe', 'still.json', '--out', 'still', '--software'],
    ];
    const output = await endsWith(train(...flags), 0);
    expect(output).toContain('Reading rows: file ');
    expect(output).toContain('Data: linked-data, 12 training rows, 4 validation rows');
    const saved = await readJson(join(folder.path, 'still/adapter/adapter_config.json'));
    expect(saved['base_model_name_or_path']).toBe('mine/of-links');
    const name = 'adapter/adapter_model.safetensors';
    const [found, given] = await Promise.all(['still', 'whole'].map((out) => readFile(join(folder.path, out, name))));
    expect(found!.equals(given!), 'a step too small for float32 leaves it as it was').toBe(true);
  },
);
