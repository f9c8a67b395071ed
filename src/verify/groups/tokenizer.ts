// Checks tokenizer and chat template against the group `tokenizer` of a reference folder. All comparisons are exact.

import { findChatTemplate, renderChat } from '../../text/chatTemplate';
import { encodeChat } from '../../text/prompt';
import { createTokenizer } from '../../text/tokenizer';
import type { ChatMessage, Tokenizer } from '../../text/tokenizer';
import { compareExact } from '../../reference/compare';
import type { CheckResult, ReferenceCase, Verifier, VerifyContext } from '../../reference/types';

interface StringCase {
  name: string;
  text: string;
  ids: number[];
  decoded: string;
  decoded_skip_special: string;
  ids_special_as_text: number[];
}

interface StringFile {
  special_tokens: string[];
  added_but_not_special: string[];
  vocab_size?: number;
  cases: StringCase[];
}

interface ChatCase {
  name: string;
  messages: ChatMessage[];
  add_generation_prompt: boolean;
  image_grid_thw: [number, number, number][];
  rendered: string;
  ids: number[];
}

/** The reference shows special tokens typed by a user as the library takes them; here they are plain text. */
const USER_SPECIALS = /^user_text_with_/;

/** Patches per image token, as the format of the fixtures fixes it. */
const PATCHES_PER_TOKEN = 4;

/** Verifies tokenizer_cases.json and chat_cases.json of one case of kind `tokenizer`. */
export const verifyTokenizer: Verifier = async (context, entry) => {
  const read = (file: string): Promise<unknown> => context.folder.json(`${entry.path}/${file}`);
  const tokenizerConfig = await read('tokenizer_config.json');
  const tokenizer = await createTokenizer({ tokenizerJson: await read('tokenizer.json'), tokenizerConfig });
  verifyStrings(context, entry, tokenizer, (await read('tokenizer_cases.json')) as StringFile);
  const template = findChatTemplate({ tokenizerConfig });
  const { cases } = (await read('chat_cases.json')) as { cases: ChatCase[] };
  for (const chat of cases) verifyChat(context, entry, tokenizer, template, chat);
};

function verifyStrings(context: VerifyContext, entry: ReferenceCase, tokenizer: Tokenizer, file: StringFile): void {
  const special = [...file.special_tokens].sort();
  context.report(compareExact(`${entry.id} special tokens`, [...tokenizer.specialTokens].sort(), special));
  const missing = file.added_but_not_special.filter((token) => tokenizer.encodePlain(token).length !== 1);
  context.report(compareExact(`${entry.id} added tokens that match in plain text`, missing, []));
  if (file.vocab_size !== undefined) {
    context.report(compareExact(`${entry.id} vocabulary size`, [tokenizer.vocabularySize], [file.vocab_size]));
  }
  for (const entryCase of file.cases) {
    const { text, ids } = entryCase;
    const name = `${entry.id} string ${entryCase.name}`;
    const decode = (skipSpecialTokens: boolean) => [...tokenizer.decode(ids, { skipSpecialTokens })];
    context.report(
      allOf(name, [
        compareExact('ids', tokenizer.encode(text), ids),
        compareExact('ids with special tokens as text', tokenizer.encodePlain(text), entryCase.ids_special_as_text),
        compareExact('decoded', decode(false), [...entryCase.decoded]),
        compareExact('decoded without special tokens', decode(true), [...entryCase.decoded_skip_special]),
      ]),
    );
  }
}

function verifyChat(
  context: VerifyContext,
  entry: ReferenceCase,
  tokenizer: Tokenizer,
  template: string,
  chat: ChatCase,
): void {
  const { messages, add_generation_prompt: addGenerationPrompt, image_grid_thw: grids } = chat;
  const name = `${entry.id} chat ${chat.name}`;
  const rendered = renderChat(tokenizer, template, messages, { addGenerationPrompt });
  context.report(compareExact(`${name} rendered`, [...rendered], [...chat.rendered]));
  if (USER_SPECIALS.test(chat.name)) return;
  const imageTokens = grids.map(([t, h, w]) => (t * h * w) / PATCHES_PER_TOKEN);
  const ids = encodeChat(tokenizer, template, messages, { addGenerationPrompt, imageTokens });
  context.report(compareExact(`${name} ids`, ids, chat.ids));
}

/** One result for several comparisons: the first that fails, or success. */
function allOf(name: string, results: CheckResult[]): CheckResult {
  const failed = results.find((result) => !result.pass);
  if (!failed) return { name, pass: true, worst: 0, limit: 0 };
  return { ...failed, name: `${name}, ${failed.name}` };
}
