// The prompt preview against transformers' tokenizer: the demo's first row, rendered by the demo's model.

import { beforeAll, expect, test } from 'vitest';
import type { DatasetInfo, DatasetRow } from '../base/dataset';
import { header, pngFile } from '../image/testPng';
import type { DataMessage, DataRequest, ModelSource, RenderedPrompt } from '../protocol/messages';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { presets } from '../recipe/presets';
import type { Recipe } from '../recipe/config';

const DEMO = new URL('/demo/', location.href).href;
const MODEL: ModelSource = { kind: 'bundled', url: `${DEMO}model/` };
const IMAGE_PAD = 513;
const PICTURE = Array<number>(16).fill(IMAGE_PAD);

/**
 * transformers 5: AutoTokenizer of the demo's model, apply_chat_template of the demo recipe's system prompt and the
 * row's question with its picture (112 x 112: 4 x 4 tokens), then the target template with `<|im_end|>` and a newline.
 */
const PROMPT = [
  ...[502, 290, 198, 302, 274, 273, 269, 272, 269, 297, 301, 303, 274, 273, 264, 272, 264, 298, 503, 198],
  ...[502, 288, 198, 510, ...PICTURE, 511, 321, 312, 292, 363, 411, 275, 346, 30, 503, 198, 502, 284, 198],
];
const TARGET = [357, 29, 442, 399, 342, 292, 363, 411, 275, 346, 366, 269, 367, 324, 468, 267, 264, 29, 503, 198];

const row: DatasetRow = {
  image: 'preview-test',
  imageName: 'train_000.png',
  question: 'What shape is right of the triangle?',
  thought: 'A blue heart is right of the triangle.',
  answer: 'heart',
  split: 'train',
  file: 'demo_cot_train.jsonl',
  line: 1,
};

const INFO: DatasetInfo = {
  ...{ id: 'preview-test', name: 'preview', createdAt: 0, trainRows: 1, valRows: 0, images: 1, bytes: 0 },
  ...{ promptTokens: null, targetTokens: null, problems: [] },
};

let worker: Worker;
let count = 0;

beforeAll(async () => {
  const picture = await (await fetch(`${DEMO}data/images/train_000.png`)).arrayBuffer();
  await saveDataset(INFO, [row], new Map([[row.image, new Uint8Array(picture)]]));
  worker = new Worker(new URL('./data.worker.ts', import.meta.url), { type: 'module' });
});

function ask(recipe: Recipe, of: DatasetRow = row): Promise<DataMessage> {
  const id = ++count;
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<DataMessage>) => data.id === id && resolve(data);
    worker.postMessage({ type: 'renderPrompt', id, recipe, model: MODEL, row: of } satisfies DataRequest);
  });
}

async function rendered(recipe: Recipe, of?: DatasetRow): Promise<RenderedPrompt> {
  const message = await ask(recipe, of);
  if (message.type !== 'prompt') throw new Error(JSON.stringify(message));
  return message.prompt;
}

const withLossOn = (completion_only_loss: boolean): Recipe => ({
  ...presets.demo,
  sft: { ...presets.demo.sft, completion_only_loss },
});

test('prompt and target have the ids that transformers gives them', async () => {
  const { tokens, promptLength } = await rendered(presets.demo);
  expect(tokens.map(({ id }) => id)).toEqual([...PROMPT, ...TARGET]);
  expect(promptLength).toBe(PROMPT.length);
  expect(tokens.filter(({ image }) => image)).toHaveLength(16);
});

test('the tokens’ texts make up the text, and special tokens are marked', async () => {
  const { tokens, promptLength } = await rendered(presets.demo);
  const target = tokens.slice(promptLength);
  const text = target.map((token) => token.text).join('');
  const wanted = `<thought> ${row.thought}</thought>\n<answer>${row.answer}</answer><|im_end|>\n`;
  expect(text).toBe(wanted);
  expect(target.filter(({ special }) => special).map((token) => token.text)).toEqual(['<|im_end|>']);
});

test('the loss is on the target alone, or on every token but the first and the picture', async () => {
  const labels = ({ tokens }: RenderedPrompt): number[] => tokens.flatMap(({ label }, i) => (label ? i : []));
  const onTarget = await rendered(withLossOn(true));
  expect(labels(onTarget)).toEqual(TARGET.map((_, i) => PROMPT.length + i));
  const everywhere = [...PROMPT, ...TARGET].flatMap((id, i) => (i > 0 && id !== IMAGE_PAD ? i : []));
  expect(labels(await rendered(withLossOn(false)))).toEqual(everywhere);
});

test('templates are the recipe’s; a character of several tokens stands at its last one', async () => {
  const recipe = { ...presets.demo, prompt_template: 'Q: {question}', target_template: '{answer}!' };
  const { tokens, promptLength } = await rendered(recipe, { ...row, answer: '😀' });
  const text = tokens.map((token) => token.text).join('');
  expect(text).toContain(`Q: ${row.question}<|im_end|>`);
  // By transformers 172, 253, 246, 222: each alone is no character.
  const answer = tokens.slice(promptLength);
  expect(answer.slice(0, 4).map(({ id }) => id)).toEqual([172, 253, 246, 222]);
  expect(answer.slice(0, 5).map((token) => token.text)).toEqual(['', '', '', '😀', '!']);
});

test('a row over the limits is shown whole all the same, and a picture that is gone is named', async () => {
  const tight = { ...presets.demo, max_prompt_length: 3, sft: { ...presets.demo.sft, max_length: 4 } };
  expect((await rendered(tight)).tokens).toHaveLength(PROMPT.length + TARGET.length);
  const gone = await ask(presets.demo, { ...row, image: 'nowhere' });
  expect(gone).toMatchObject({ type: 'promptFailed', error: { code: 'storage.missing' } });
});

test('a picture that the pre-resize makes too thin is shown as SFT reads it, without a number for GRPO', async () => {
  const thin = { ...row, image: 'preview-thin' };
  // 1 x 190: 2 x 512 after the pre-resize.
  const bytes = pngFile(header({ width: 1, height: 190, depth: 8, colourType: 2 }));
  await saveDataset({ ...INFO, id: 'preview-thin' }, [thin], new Map([[thin.image, bytes]]));
  const plain = await rendered(presets.demo, thin);
  const resized = await rendered({ ...presets.demo, grpo_pre_resize: true }, thin);
  expect(resized).toEqual({ ...plain, grpoImageTokens: null });
  expect(plain.grpoImageTokens).toBeGreaterThan(0);
  await deleteDataset('preview-thin');
});
