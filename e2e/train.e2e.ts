// The whole job once, as a person does it: drop a folder, train both stages, watch, take the adapter, come back.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_MODEL, writeDataset, writeRecipe } from './dataFolder';
import { openApp } from './openApp';
import type { App } from './openApp';
import { cardSays, download, dropPaths, importRecipe, openPage, startTraining, waitForEnd } from './pageDriver';

let app: App;
/** Requests that left for another origin. */
const foreign: string[] = [];

beforeAll(async () => {
  app = await openApp();
  app.page.context().on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(`${app.origin}/`))
      foreign.push(request.url());
  });
});

afterAll(async () => {
  await app.close();
});

/** Collects every step counter that the Run place shows from now on, e.g. `SFT step 1 / 2`. */
async function watchSteps(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen = ((window as unknown as { seenSteps: string[] }).seenSteps = [] as string[]);
    const look = (): void => {
      const figure = document.querySelector('.figures > div');
      const text = `${figure?.querySelector('dt')?.textContent} ${figure?.querySelector('dd')?.textContent}`;
      if (figure && seen[seen.length - 1] !== text) seen.push(text);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => (window as unknown as { seenSteps: string[] }).seenSteps);
}

interface NewInk {
  /** What stands in the chart's head, or in its label; empty for the lanes of the timeline. */
  figure: string;
  /** Pixels of lines, bars and marks in the plotting area that were not there at the call before. */
  pixels: number;
}

/** What every chart, by its name, has drawn since the call before. */
function newInk(page: Page): Promise<Record<string, NewInk>> {
  return page.evaluate(() => {
    const known = ((window as unknown as { inkKnown?: Map<string, boolean[]> }).inkKnown ??= new Map<
      string,
      boolean[]
    >());
    // The grid is paler than this, everything that shows data darker.
    const pale = 3 * 225;
    const inkOf = (plot: Element): boolean[] => {
      const [canvas, over] = [plot.querySelector('canvas'), plot.querySelector<HTMLElement>('.u-over')];
      if (!canvas || !over) return [];
      const scale = canvas.width / canvas.clientWidth;
      const box = [over.offsetLeft, over.offsetTop, over.offsetWidth, over.offsetHeight].map((side) => side * scale);
      const pixels = canvas.getContext('2d')!.getImageData(box[0]!, box[1]!, box[2]!, box[3]!).data;
      return Array.from({ length: pixels.length / 4 }, (_, i) => {
        const [red, green, blue, alpha] = pixels.slice(4 * i, 4 * i + 4);
        return alpha! > 60 && red! + green! + blue! < pale;
      });
    };
    return Object.fromEntries(
      [...document.querySelectorAll('.plot[aria-label]')].map((plot) => {
        const [name, figure = ''] = plot.getAttribute('aria-label')!.split(': ');
        const [before, ink] = [known.get(name!) ?? [], inkOf(plot)];
        known.set(name!, ink);
        return [name, { figure, pixels: ink.filter((set, i) => set && !before[i]).length }];
      }),
    );
  });
}

interface StoredTensor {
  shape: number[];
  values: Float32Array;
}

/** Reads a safetensors file of F32 tensors by the format's description, without our own reader. */
function readTensors(file: Uint8Array): Map<string, StoredTensor> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return new Map(
    tensors.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        expect(dtype, name).toBe('F32');
        return [name, { shape, values: new Float32Array(file.slice(start + from, start + to).buffer) }];
      },
    ),
  );
}

/** Names and shapes that PEFT expects for LoRA of rank r on q and v of the demo's model. */
async function expectedShapes(r: number): Promise<Record<string, number[]>> {
  const config = JSON.parse(await readFile(join(DEMO_MODEL, 'config.json'), 'utf8')) as Record<string, number>;
  const { hidden_size: hidden, num_attention_heads: heads, num_key_value_heads: shared, num_hidden_layers } = config;
  const outputs = { q_proj: hidden!, v_proj: (hidden! / heads!) * shared! };
  const shapes: Record<string, number[]> = {};
  for (let layer = 0; layer < num_hidden_layers!; layer++) {
    for (const [module, output] of Object.entries(outputs)) {
      const key = `base_model.model.model.language_model.layers.${layer}.self_attn.${module}`;
      shapes[`${key}.lora_A.weight`] = [r, hidden!];
      shapes[`${key}.lora_B.weight`] = [output, r];
    }
  }
  return shapes;
}

async function checkAdapter(zip: Uint8Array): Promise<void> {
  const files = unzipSync(zip);
  const inFolder = (name: string): Uint8Array => {
    const path = Object.keys(files).find((entry) => entry.endsWith(`/${name}`));
    expect(path, `${name} in the zip`).toBeDefined();
    return files[path!]!;
  };
  const config = JSON.parse(new TextDecoder().decode(inFolder('adapter_config.json'))) as Record<string, unknown>;
  expect(config).toMatchObject({ peft_type: 'LORA', r: 8, lora_alpha: 16, bias: 'none' });
  expect(config['target_modules']).toEqual(['q_proj', 'v_proj']);
  const tensors = readTensors(inFolder('adapter_model.safetensors'));
  const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
  expect(shapes).toEqual(await expectedShapes(8));
  for (const [name, { shape, values }] of tensors) {
    expect(values.length, name).toBe(shape[0]! * shape[1]!);
    expect(values.every(Number.isFinite), `${name} is finite`).toBe(true);
    // B starts as zeros: what is not zero has been trained.
    expect(
      values.some((value) => value !== 0),
      `${name} was trained`,
    ).toBe(true);
  }
}

test('a dropped folder becomes a dataset of training and validation rows', async () => {
  await openPage(app.page, app.origin);
  await dropPaths(app.page, [await writeDataset(app.folder, 'shapes', 12, 4)]);
  await cardSays(app.page, 2, /^12 rows to train, 4 to validate, \d+ pictures\. No errors\.$/);
  await importRecipe(app.page, await writeRecipe(app.folder, { sftSteps: 2, grpoSteps: 2 }));
});

test('a run of both stages counts its steps, draws its charts and shows groups', async () => {
  const { page } = app;
  const seenSteps = await watchSteps(page);
  await startTraining(page);
  // The page shows several steps at once when it is late, so which labels were seen depends on the machine.
  await expect.poll(seenSteps).toContainEqual(expect.stringMatching(/^(SFT step [12]|GRPO step [012]) \/ 2$/));
  const atFirst = await newInk(page);
  expect(Object.keys(atFirst).length).toBeGreaterThan(12);
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Finished in/) as string });
  const order = ['SFT', 'GRPO'].flatMap((stage) => [0, 1, 2].map((step) => `${stage} step ${step} / 2`));
  const places = (await seenSteps()).map((label) => order.indexOf(label)).filter((place) => place >= 0);
  expect(places).toEqual([...new Set(places)].sort());
  expect(places.length).toBeGreaterThan(2);
  // A chart of a stage draws nothing before it; one whose values are all zero never does, and says so in its head. A busy
  // page may have drawn a whole stage before it was first looked at.
  const still = new Set(Object.keys(atFirst));
  const strikeDrawn = (ink: Record<string, NewInk>): void => {
    for (const [name, { figure, pixels }] of Object.entries(ink)) {
      if (pixels > 0 || /^0(\.0+)?(%| |$)/.test(figure)) still.delete(name);
    }
  };
  strikeDrawn(atFirst);
  await expect
    .poll(async () => {
      strikeDrawn(await newInk(page));
      return [...still];
    })
    .toEqual([]);
  expect(await page.locator('.groupRow').count()).toBe(2);
});

test('the adapter is in PEFT’s form, finite and trained, and the metrics have a row per step', async () => {
  const { page } = app;
  const adapter = await download(page, page.locator('#download-adapter'));
  expect(adapter.name).toMatch(/\.zip$/);
  await checkAdapter(new Uint8Array(await readFile(adapter.path)));
  const metrics = await download(page, page.locator('button', { hasText: 'Metrics CSV' }));
  const [head, ...rows] = (await readFile(metrics.path, 'utf8')).trimEnd().split(/\r?\n/);
  expect(head!.split(',').slice(0, 2)).toEqual(['stage', 'step']);
  expect(rows.map((row) => row.split(',').slice(0, 2).join(' '))).toEqual(['sft 1', 'sft 2', 'grpo 1', 'grpo 2']);
});

test('after a reload the dataset is there again', async () => {
  await app.page.reload();
  await cardSays(app.page, 2, /^12 rows to train, 4 to validate/);
});

test('nothing of this wrote an error to the console or left for another origin', () => {
  expect(app.errors).toEqual([]);
  expect(foreign).toEqual([]);
});
