// A checkpoint's tokenizer, from its parsed files, through transformers.js. Never fetches, never adds tokens of its own.
// For workers and Node; the library is too large for the page's main thread.

import { PreTrainedTokenizer } from '@huggingface/transformers';
import { check, LorikeetError } from '../base/errors';

export interface ChatMessage {
  role: string;
  content: string | ({ type: 'image' } | { type: 'text'; text: string })[];
}

export interface Tokenizer {
  /** Ids of `text`; added tokens in it are recognised, special ones too. */
  encode(text: string): number[];
  /** Ids of `text` taken as plain text: special tokens in it are spelled out, other added tokens still match. */
  encodePlain(text: string): number[];
  /** Text of `ids`; broken UTF-8 gives U+FFFD, ids outside the vocabulary give nothing. */
  decode(ids: ArrayLike<number>, options: { skipSpecialTokens: boolean }): string;
  /** Id of a token given by its vocabulary entry, or null. */
  tokenId(token: string): number | null;
  /** Contents of the added tokens with `special: true`. */
  specialTokens: readonly string[];
  /** Tokens, added ones included; the model's embedding may have more rows. */
  vocabularySize: number;
  /** Of all tokens, added ones included. */
  largestId: number;
  /** Renders a Jinja chat template with the tokenizer's special tokens at hand; @throws chat.template */
  applyTemplate(template: string, messages: ChatMessage[], addGenerationPrompt: boolean): string;
}

export interface TokenizerFiles {
  /** Parsed tokenizer.json. */
  tokenizerJson: unknown;
  /** Parsed tokenizer_config.json. */
  tokenizerConfig: unknown;
}

/** The part of tokenizer.json that is read here; the library reads the rest. */
interface TokenizerJson {
  model: { type?: string; vocab: Record<string, number>; merges: (string | [string, string])[] };
  added_tokens: { content: string; id: number; special: boolean }[];
}

const HINT = 'Use tokenizer.json and tokenizer_config.json of the same checkpoint.';

/**
 * Builds the tokenizer. Merges may be `"a b"` strings or `["a", "b"]` pairs.
 * @throws LorikeetError tokenizer.format when the files are not a tokenizer of a supported kind
 */
export function createTokenizer(files: TokenizerFiles): Promise<Tokenizer> {
  // A promise although nothing waits today, so that a backend that must load first can take its place.
  return Promise.resolve().then(() => build(checkFiles(files), files.tokenizerConfig as object));
}

function build(json: TokenizerJson, config: object): Tokenizer {
  const full = construct(json, config);
  const special = json.added_tokens.filter((token) => token.special).map((token) => token.content);
  const vocabulary = new Set([...Object.keys(json.model.vocab), ...json.added_tokens.map((token) => token.content)]);
  const knownIds = new Set([...Object.values(json.model.vocab), ...json.added_tokens.map((token) => token.id)]);
  let plain: PreTrainedTokenizer | null = null;
  return {
    encode: (text) => encodeWith(full, text),
    encodePlain: (text) => {
      if (!containsAny(text, special)) return encodeWith(full, text);
      // Built on first need: few texts hold special tokens, and a real vocabulary takes half a second.
      plain ??= construct({ ...json, added_tokens: json.added_tokens.filter((token) => !token.special) }, config);
      return encodeWith(plain, text);
    },
    decode: (ids, { skipSpecialTokens }) => {
      const known = Array.from(ids).filter((id) => knownIds.has(id));
      // The library throws on an empty list.
      if (known.length === 0) return '';
      return full.decode(known, { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: false });
    },
    tokenId: (token) => (vocabulary.has(token) ? full.convert_tokens_to_ids(token) : null),
    specialTokens: special,
    vocabularySize: vocabulary.size,
    largestId: [...knownIds].reduce((a, b) => Math.max(a, b), 0),
    applyTemplate: (template, messages, addGenerationPrompt) => render(full, template, messages, addGenerationPrompt),
  };
}

function construct(json: TokenizerJson, config: object): PreTrainedTokenizer {
  try {
    return new PreTrainedTokenizer(json, config);
  } catch (error) {
    throw new LorikeetError('tokenizer.format', `tokenizer.json: not a supported tokenizer: ${String(error)}`, HINT);
  }
}

function encodeWith(tokenizer: PreTrainedTokenizer, text: string): number[] {
  const ids: (number | undefined)[] = tokenizer.encode(text, { add_special_tokens: false });
  const unknown = ids.findIndex((id) => id === undefined);
  check(
    unknown < 0,
    'tokenizer.vocabulary',
    `tokenizer.json: no token for part ${unknown} of ${JSON.stringify(text.slice(0, 60))}; a byte-level vocabulary has all 256 bytes`,
    HINT,
  );
  return ids as number[];
}

function containsAny(text: string, tokens: readonly string[]): boolean {
  // Normalisation can make ASCII out of other characters (U+037E becomes ";").
  const normalized = text.normalize('NFC');
  return tokens.some((token) => text.includes(token) || normalized.includes(token));
}

function render(
  tokenizer: PreTrainedTokenizer,
  template: string,
  messages: ChatMessage[],
  addGenerationPrompt: boolean,
): string {
  try {
    // The library's type knows only text content; the template reads whatever is there.
    const conversation = messages as Parameters<PreTrainedTokenizer['apply_chat_template']>[0];
    return tokenizer.apply_chat_template(conversation, {
      chat_template: template,
      add_generation_prompt: addGenerationPrompt,
      tokenize: false,
    });
  } catch (error) {
    throw new LorikeetError(
      'chat.template',
      `the chat template cannot be rendered: ${error instanceof Error ? error.message : String(error)}`,
      'Use the chat template of the original checkpoint.',
    );
  }
}

function checkFiles({ tokenizerJson, tokenizerConfig }: TokenizerFiles): TokenizerJson {
  const json = tokenizerJson as Partial<TokenizerJson> | null;
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
  check(
    isObject(json) && isObject(json.model) && isObject(json.model.vocab) && Array.isArray(json.added_tokens),
    'tokenizer.format',
    'tokenizer.json: expected an object with `model.vocab` and `added_tokens`',
    HINT,
  );
  // The library takes an unknown kind for another one in silence.
  check(
    (json.model.type ?? 'BPE') === 'BPE' && Array.isArray(json.model.merges),
    'tokenizer.format',
    `tokenizer.json: expected model type "BPE" with merges, found ${JSON.stringify(json.model.type)}`,
    HINT,
  );
  for (const token of json.added_tokens) {
    check(
      isObject(token) && typeof token.content === 'string' && token.content !== '' && Number.isSafeInteger(token.id),
      'tokenizer.format',
      `tokenizer.json: added token without content or id: ${JSON.stringify(token)}`,
      HINT,
    );
  }
  check(isObject(tokenizerConfig), 'tokenizer.format', 'tokenizer_config.json: expected an object', HINT);
  return json as TokenizerJson;
}
