// The demo model as a picked folder whose weights count every byte that is read; the rows lie in a real IndexedDB.

import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { DatasetInfo, DatasetRow } from '../base/dataset';
import { exportPeftAdapter } from '../formats/peft';
import type { RunEventBody } from '../protocol/messages';
import { deleteDataset, saveDataset } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import { presets } from '../recipe/presets';
import { openSession } from './session';
import type { SessionRequest } from './prepare';

const DEMO = new URL('/demo/', location.href).href;
const NAMES = [
  ...['config.json', 'generation_config.json', 'model.safetensors', 'preprocessor_config.json'],
  ...['chat_template.json', 'tokenizer.json', 'tokenizer_config.json'],
];
const IMAGE = 'train_000.png';
const ID = 'prepare-test';
const INFO: DatasetInfo = {
  ...{ id: ID, name: 'rows', createdAt: 0, trainRows: 2, valRows: 0, images: 1, bytes: 0 },
  ...{ promptTokens: null, targetTokens: null, problems: [] },
};

function row(line: number, question = 'What is red?'): DatasetRow {
  const texts = { question, thought: 'A star.', answer: 'star' };
  return { image: IMAGE, imageName: IMAGE, split: 'train', file: 'a.jsonl', line, ...texts };
}

let read = 0;

/** Counts the bytes that are cut out of it. */
class Counted extends Blob {
  override slice(start = 0, end = this.size): Blob {
    read += end - start;
    return super.slice(start, end);
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    read += this.size;
    return super.arrayBuffer();
  }
}

const files: Record<string, Blob> = {};
let weightBytes = 0;

beforeAll(async () => {
  for (const name of NAMES) files[name] = await (await fetch(`${DEMO}model/${name}`)).blob();
  weightBytes = files['model.safetensors']!.size;
  files['model.safetensors'] = new Counted([files['model.safetensors']!]);
  const bytes = new Uint8Array(await (await fetch(`${DEMO}data/images/${IMAGE}`)).arrayBuffer());
  await saveDataset(INFO, [row(1), row(2)], new Map([[IMAGE, bytes]]));
});
beforeEach(() => {
  read = 0;
});
afterAll(() => deleteDataset(ID));

/** Opens a session as a run does; only what fails before weights are read may be opened here. */
async function failureOf(changed: Partial<SessionRequest>): Promise<{ code: string; message: string }> {
  const events: RunEventBody[] = [];
  const reporter: Reporter = {
    emit: (event) => events.push(event),
    progress: () => {},
    enter: () => {},
    now: () => performance.now(),
    timed: (_, part) => part(),
  };
  const encoder = { load: () => Promise.resolve(), embed: () => Promise.resolve([]), fail: () => {} };
  const request: SessionRequest = {
    ...{ recipe: presets.demo, seed: 0, datasetId: ID, gpuMemoryGb: 8 },
    ...{ model: { kind: 'files', name: 'demo', files }, ...changed },
  };
  return openSession(request, encoder, reporter, null).then(
    () => ({ code: 'none', message: 'opened' }),
    (error: unknown) => error as { code: string; message: string },
  );
}

function demo(change: (recipe: Recipe) => void): Recipe {
  const recipe = structuredClone(presets.demo);
  change(recipe);
  return recipe;
}

function without(name: string): SessionRequest['model'] {
  return {
    kind: 'files',
    name: 'demo',
    files: Object.fromEntries(Object.entries(files).filter(([own]) => own !== name)),
  };
}

/** An adapter of a model with one layer and other widths. */
function foreignAdapter(): NonNullable<SessionRequest['adapter']> {
  const factor = {
    layer: 0,
    module: 'q_proj',
    A: new Float32Array(8 * 64),
    B: new Float32Array(64 * 8),
    in: 64,
    out: 64,
  };
  const settings = { r: 8, lora_alpha: 16, lora_dropout: 0, target_modules: ['q_proj'], use_rslora: false };
  const made = exportPeftAdapter({ ...settings, base_model_name_or_path: 'other', tensors: [factor] });
  return {
    name: 'foreign',
    config: new TextDecoder().decode(made['adapter_config.json']),
    weights: new Blob([made['adapter_model.safetensors'].slice()]),
  };
}

test.each<[string, string, () => Partial<SessionRequest>, RegExp]>([
  [
    'a missing file',
    'model.missing',
    () => ({ model: without('preprocessor_config.json') }),
    /preprocessor_config\.json/,
  ],
  [
    'rows of which none fits',
    'data.empty',
    () => ({ recipe: demo((recipe) => (recipe.max_prompt_length = 20)) }),
    /^None of the 2 rows of "rows" can be trained on: even the shortest prompt has \d+ tokens, 16 of them the picture's; max_prompt_length is 20\.$/,
  ],
  ['an adapter of another base model', 'peft.base', () => ({ adapter: foreignAdapter() }), /made for "other"/],
  [
    'a rank above the model’s width',
    'lora.rank',
    () => ({ recipe: demo((recipe) => (recipe.lora.r = 4096)) }),
    /r is 4096/,
  ],
])('%s ends a start before weights are read', async (_, code, change, message) => {
  expect(await failureOf(change())).toMatchObject({ code, message: expect.stringMatching(message) as string });
  expect(read).toBeLessThan(weightBytes / 20);
});

test.each([
  ['sends no policy', 'reward.unguarded', () => Promise.resolve(new Response())],
  ['is gone', 'server.noAnswer', () => Promise.reject(new TypeError('Failed to fetch'))],
])(
  'a run with a reward of one’s own does not start where the server %s, and one without GRPO does',
  async (...given) => {
    const [, code, answer] = given;
    const real = globalThis.fetch;
    const asked = vi.spyOn(globalThis, 'fetch');
    onTestFinished(() => asked.mockRestore());
    asked.mockImplementation((url, options) => (options?.method === 'HEAD' ? answer() : real(url, options)));
    const recipe = demo(({ grpo }) => (grpo.reward_funcs = [{ name: 'mine', javascript: 'function score() {}' }]));
    expect(await failureOf({ recipe })).toMatchObject({ code });
    expect(read).toBe(0);
    // Any later failure says that this one did not come.
    const noGrpo = { ...recipe, max_prompt_length: 20, grpo: { ...recipe.grpo, max_steps: 0 } };
    expect(await failureOf({ recipe: noGrpo })).toMatchObject({ code: 'data.empty' });
  },
);
