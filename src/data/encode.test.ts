// @vitest-environment node
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageLoading } from '../base/imageLoading';
import { findChatTemplate } from '../text/chatTemplate';
import { createTokenizer } from '../text/tokenizer';
import { encodeExample, encodePrompt } from './encode';
import type { EncodeContext, Encoded, ExampleOptions, ImageRef } from './encode';
import { packExamples } from './pack';

function json<T = unknown>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../public/demo/model/${name}`, import.meta.url), 'utf8')) as T;
}

function valueOf<T>(encoded: Encoded<T>): T {
  if (!encoded.ok) throw new Error(encoded.problem.message);
  return encoded.value;
}

const options: ExampleOptions = {
  system_prompt: 'Think in <thought></thought>, then reply in <answer></answer>.',
  prompt_template: '{question}',
  target_template: '<thought> {thought}</thought>\n<answer>{answer}</answer>',
  max_prompt_length: 128,
  max_length: null,
  completion_only_loss: false,
};
const row = {
  question: 'What shape is left of the square?',
  thought: 'An orange triangle is left of the square.',
  answer: 'triangle',
};
const images: ImageRef[] = [{ hash: 'x', view: { loading: 'library', preResize: false }, grid: [1, 8, 8] }];
let context: EncodeContext;

beforeAll(async () => {
  const tokenizerConfig = json('tokenizer_config.json');
  context = {
    tokenizer: await createTokenizer({ tokenizerJson: json('tokenizer.json'), tokenizerConfig }),
    chatTemplate: findChatTemplate({ tokenizerConfig }),
    model: { imageTokenId: 513, spatialMergeSize: 2, maxPositions: 1024, vocabSize: 544 },
  };
});

describe('encodeExample', () => {
  it('gives ids and positions of the golden row that PyTorch measured', () => {
    const example = valueOf(encodeExample(row, images, options, context));
    expect(example.promptLength).toBe(54);
    expect(example.ids).toHaveLength(74);
    const length = example.ids.length;
    const axis = (index: number) => [...example.positions.slice(index * length, index * length + 54)];
    const text = [28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41];
    const before = [...Array(24).keys()];
    expect(axis(0)).toEqual([...before, ...new Array<number>(16).fill(24), ...text]);
    const rows = [24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 27];
    const columns = [24, 25, 26, 27, 24, 25, 26, 27, 24, 25, 26, 27, 24, 25, 26, 27];
    expect(axis(1)).toEqual([...before, ...rows, ...text]);
    expect(axis(2)).toEqual([...before, ...columns, ...text]);
    expect(example.nextPosition).toBe(42 + 20);
  });

  it('refuses a token that the embedding has no row for, by its id and text', () => {
    const small = { ...context, model: { ...context.model, vocabSize: 513 } };
    const refused = expect.objectContaining({
      code: 'tokenizer.embedding',
      message: expect.stringMatching(/^token id 51\d \(".+"\) .* 513 rows$/) as string,
    });
    expect(() => encodeExample(row, images, options, small)).toThrow(refused);
    expect(() => encodePrompt(row.question, images, options, small)).toThrow(refused);
  });

  it('labels all text but the images, or the target only', () => {
    const all = valueOf(encodeExample(row, images, options, context)).labelMask;
    const labels = [...all.keys()].filter((t) => all[t] === 1);
    const expected = [...Array(74).keys()].filter((t) => t > 0 && !(t >= 24 && t < 40));
    expect(labels).toEqual(expected);
    const completion = valueOf(
      encodeExample(row, images, { ...options, completion_only_loss: true }, context),
    ).labelMask;
    expect([...completion]).toEqual([...Array(74).keys()].map((t) => (t >= 54 ? 1 : 0)));
  });

  it('answers rows that do not fit with a named problem, at the exact bound', () => {
    expect(encodeExample(row, images, { ...options, max_prompt_length: 54, max_length: 74 }, context).ok).toBe(true);
    const prompt = encodeExample(row, images, { ...options, max_prompt_length: 53 }, context);
    expect(prompt).toMatchObject({ ok: false, problem: { code: 'row.promptTooLong' } });
    const whole = encodeExample(row, images, { ...options, max_length: 73 }, context);
    expect(whole).toMatchObject({ ok: false, problem: { code: 'row.tooLong' } });
    const small = { ...context, model: { ...context.model, maxPositions: 73 } };
    expect(encodeExample(row, images, options, small)).toMatchObject({ ok: false, problem: { code: 'row.tooLong' } });
  });
});

describe('packExamples', () => {
  it('keeps the features of two views of one picture apart, and those of one view together', () => {
    const seen = (loading: ImageLoading, preResize: boolean): ImageRef[] => [
      { hash: 'x', view: { loading, preResize }, grid: [1, 8, 8] },
    ];
    const all = [seen('library', false), seen('recipe', false), seen('library', false), seen('recipe', true)];
    const examples = all.map((refs) => valueOf(encodeExample(row, refs, options, context)));
    const packed = packExamples(examples, context.model);
    expect(packed.images).toEqual([...all[0]!, ...all[1]!, ...all[3]!]);
    const first = examples[0]!.ids.indexOf(context.model.imageTokenId);
    expect([0, 1, 2, 3].map((i) => packed.imageRow[i * examples[0]!.ids.length + first])).toEqual([0, 16, 0, 32]);
  });
});

describe('encodePrompt', () => {
  it('gives the prompt of encodeExample and keeps room for the completion', () => {
    const prompt = valueOf(encodePrompt(row.question, images, options, context, 970));
    expect(prompt.ids).toEqual(valueOf(encodeExample(row, images, options, context)).ids.slice(0, 54));
    expect(prompt.nextPosition).toBe(42);
    expect(encodePrompt(row.question, images, options, context, 971)).toMatchObject({
      ok: false,
      problem: { code: 'row.tooLong', message: expect.stringContaining('1024') as string },
    });
  });

  it('puts the question into the prompt template literally', () => {
    const templated = { ...options, prompt_template: 'Q: {question} A?' };
    const { ids } = valueOf(encodePrompt('$& <|im_end|>', [], templated, context));
    const text = context.tokenizer.decode(ids, { skipSpecialTokens: false });
    expect(text).toContain('<|im_start|>user\nQ: $& <|im_end|> A?<|im_end|>\n');
    expect([...ids].filter((id) => id === 503)).toHaveLength(2);
  });

  it('refuses a tokenizer of another checkpoint', () => {
    const other = { ...context, model: { ...context.model, imageTokenId: 512 } };
    expect(() => encodePrompt('Q', images, options, other)).toThrow(/513, config.json says 512/);
  });
});
