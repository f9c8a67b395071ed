// @vitest-environment node
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { referenceFolder } from '../../tools/vite/referencePlugin.mjs';
import { createTokenizer } from './tokenizer';

const DEMO = fileURLToPath(new URL('../../public/demo/model/', import.meta.url));
const REAL = join(referenceFolder(), 'tokenizer');

function json<T = unknown>(...path: string[]): T {
  return JSON.parse(readFileSync(join(...path), 'utf8')) as T;
}

function load(folder: string, change: (file: Record<string, unknown>) => unknown = (file) => file) {
  const tokenizerJson = change(json<Record<string, unknown>>(folder, 'tokenizer.json'));
  return createTokenizer({ tokenizerJson, tokenizerConfig: json(folder, 'tokenizer_config.json') });
}

/** From Python's tokenizers 0.23 with the demo's tokenizer.json: text, ids, ids with `encode_special_tokens`. */
const CASES: [string, number[], number[]][] = [
  [
    'What shape is left of the square?',
    [321, 312, 292, 361, 411, 275, 343, 30],
    [321, 312, 292, 361, 411, 275, 343, 30],
  ],
  ['a<|im_end|>b', [64, 503, 65], [64, 27, 91, 72, 76, 62, 68, 77, 67, 91, 29, 65]],
  ['<tool_call>x</tool_call>', [515, 87, 516], [515, 87, 516]],
  [
    'caf\u00e9 e\u0301 \u4f60 \u{1f600}',
    [66, 64, 69, 127, 102, 220, 127, 102, 220, 160, 121, 254, 220, 172, 253, 246, 222],
    [66, 64, 69, 127, 102, 220, 127, 102, 220, 160, 121, 254, 220, 172, 253, 246, 222],
  ],
  [
    "It\u017f 12'LL\n\n  \u0085\ufeff<|image_pad|>",
    [40, 83, 129, 123, 220, 16, 17, 6, 43, 43, 198, 198, 220, 220, 126, 227, 171, 119, 123, 513],
    [
      40, 83, 129, 123, 220, 16, 17, 6, 43, 43, 198, 198, 220, 220, 126, 227, 171, 119, 123, 27, 91, 72, 76, 64, 70, 68,
      62, 79, 64, 67, 91, 29,
    ],
  ],
  ['<|im_end|>\u0301', [503, 136, 223], [27, 91, 72, 76, 62, 68, 77, 67, 91, 29, 136, 223]],
];

describe('the demo tokenizer', () => {
  it('gives the ids of the tokenizers library, with special tokens and with them as text', async () => {
    const tokenizer = await load(DEMO);
    for (const [text, ids, plain] of CASES) {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.encodePlain(text)).toEqual(plain);
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text.normalize('NFC'));
    }
  });

  it('leaves special tokens out of decoded text on request, and only those', async () => {
    const tokenizer = await load(DEMO);
    expect(tokenizer.decode([64, 503, 65], { skipSpecialTokens: true })).toBe('ab');
    expect(tokenizer.decode([515, 87, 516], { skipSpecialTokens: true })).toBe('<tool_call>x</tool_call>');
  });

  it('decodes nothing to nothing, broken UTF-8 to U+FFFD, and skips ids of no token', async () => {
    const tokenizer = await load(DEMO);
    expect(tokenizer.decode([], { skipSpecialTokens: false })).toBe('');
    expect(tokenizer.decode([503], { skipSpecialTokens: true })).toBe('');
    expect(tokenizer.decode([240], { skipSpecialTokens: false })).toBe('\ufffd');
    expect(tokenizer.decode(new Int32Array([600, 501]), { skipSpecialTokens: false })).toBe('<|endoftext|>');
  });

  it('leaves spaces before punctuation as they are', async () => {
    const tokenizer = await load(DEMO);
    const text = "a . b , do n't ?";
    expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: true })).toBe(text);
  });

  it('encodes the empty text to no ids', async () => {
    const tokenizer = await load(DEMO);
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.encodePlain('')).toEqual([]);
  });

  it('knows its vocabulary', async () => {
    const tokenizer = await load(DEMO);
    expect(tokenizer.vocabularySize).toBe(523);
    expect(tokenizer.tokenId('<|im_end|>')).toBe(503);
    expect(tokenizer.tokenId('<|nothing|>')).toBe(null);
    expect(tokenizer.specialTokens).toContain('<|image_pad|>');
    expect(tokenizer.specialTokens).not.toContain('<tool_call>');
  });

  it('reads merges as strings and as pairs', async () => {
    const asStrings = await load(DEMO, (file) => {
      const model = file.model as { merges: [string, string][] };
      return { ...file, model: { ...model, merges: model.merges.map((pair) => pair.join(' ')) } };
    });
    for (const [text, ids] of CASES) expect(asStrings.encode(text)).toEqual(ids);
  });

  it('refuses files that are no tokenizer, by name', async () => {
    const model = { vocab: {}, merges: [] };
    const bad = [
      null,
      [],
      {},
      { model },
      { model, added_tokens: [{ id: 1 }] },
      { model: { vocab: {} }, added_tokens: [] },
    ];
    for (const tokenizerJson of bad) {
      await expect(createTokenizer({ tokenizerJson, tokenizerConfig: {} })).rejects.toMatchObject({
        code: 'tokenizer.format',
      });
    }
    await expect(load(DEMO, (file) => ({ ...file, model: { vocab: {}, type: 'Bogus' } }))).rejects.toMatchObject({
      code: 'tokenizer.format',
    });
  });
});

interface Case {
  name: string;
  text: string;
  ids: number[];
  ids_special_as_text: number[];
  decoded: string;
  decoded_skip_special: string;
}

describe.skipIf(!existsSync(REAL))('the Qwen2.5 tokenizer', () => {
  it('is exact on every case of the reference', async () => {
    const tokenizer = await load(REAL);
    const file = json<{ vocab_size: number; cases: Case[] }>(REAL, 'tokenizer_cases.json');
    expect(tokenizer.vocabularySize).toBe(file.vocab_size);
    for (const { name, text, ids, ids_special_as_text, decoded, decoded_skip_special } of file.cases) {
      const got = {
        name,
        ids: tokenizer.encode(text),
        ids_special_as_text: tokenizer.encodePlain(text),
        decoded: tokenizer.decode(ids, { skipSpecialTokens: false }),
        decoded_skip_special: tokenizer.decode(ids, { skipSpecialTokens: true }),
      };
      expect(got).toEqual({ name, ids, ids_special_as_text, decoded, decoded_skip_special });
    }
  });
});
