// Prompts and supervised targets as token ids. Special tokens typed by a user are plain text in both.

import { check } from '../base/errors';
import { fillTemplate } from '../base/fillTemplate';
import { renderChat } from './chatTemplate';
import { pythonStrip } from './pythonStrip';
import { encodeSegments, segment, slot } from './segments';
import type { Segment } from './segments';
import type { ChatMessage, Tokenizer } from './tokenizer';

/** What Qwen2-VL's chat templates write for an image; the processor repeats it once per image token. */
export const IMAGE_PLACEHOLDER = '<|image_pad|>';

export interface PromptParts {
  /** null: the template's own default. */
  system: string | null;
  /** The question; images stand before it. */
  user: string;
  /** Tokens of each image: t * h * w / spatialMergeSize^2. */
  imageTokens: readonly number[];
}

/** A conversation with slots for its texts, and the texts. */
function slotTexts(messages: readonly ChatMessage[]): { slotted: ChatMessage[]; texts: string[] } {
  const texts: string[] = [];
  const take = (text: string): string => slot(texts.push(text) - 1);
  const slotted = messages.map(({ role, content }): ChatMessage => {
    if (typeof content === 'string') return { role, content: take(content) };
    return { role, content: content.map((part) => (part.type === 'text' ? { ...part, text: take(part.text) } : part)) };
  });
  return { slotted, texts };
}

/**
 * Ids of a conversation. Equal to tokenising the rendered text whole when no message holds a special token.
 * @param chatTemplate Jinja text @param imageTokens tokens of each image, in order
 * @throws chat.template | prompt.images when the template's image placeholders are not as many as `imageTokens`
 */
export function encodeChat(
  tokenizer: Tokenizer,
  chatTemplate: string,
  messages: readonly ChatMessage[],
  options: { addGenerationPrompt: boolean; imageTokens: readonly number[] },
): number[] {
  const { slotted, texts } = slotTexts(messages);
  const segments = segment(tokenizer, renderChat(tokenizer, chatTemplate, slotted, options), texts);
  return encodeSegments(tokenizer, segments, imageExpander(segments, options.imageTokens));
}

/**
 * Ids of a prompt: system, one user turn with images and question, and the start of the answer.
 * @param chatTemplate Jinja text @throws chat.template | prompt.images
 */
export function buildPrompt(tokenizer: Tokenizer, chatTemplate: string, parts: PromptParts): number[] {
  const { system, user, imageTokens } = parts;
  const images = imageTokens.map(() => ({ type: 'image' as const }));
  const messages: ChatMessage[] = [{ role: 'user', content: [...images, { type: 'text', text: user }] }];
  if (system !== null) messages.unshift({ role: 'system', content: [{ type: 'text', text: system }] });
  return encodeChat(tokenizer, chatTemplate, messages, { addGenerationPrompt: true, imageTokens });
}

function imageExpander(segments: readonly Segment[], imageTokens: readonly number[]) {
  const places = segments.filter((part) => 'special' in part && part.special === IMAGE_PLACEHOLDER).length;
  check(
    places === imageTokens.length,
    'prompt.images',
    `the chat template wrote ${places} image placeholders ${IMAGE_PLACEHOLDER} for ${imageTokens.length} images`,
    'Use the chat template of a Qwen2.5-VL checkpoint.',
  );
  let image = 0;
  return (special: string, id: number): number[] =>
    special === IMAGE_PLACEHOLDER ? new Array<number>(imageTokens[image++]!).fill(id) : [id];
}

export interface TargetParts {
  /** e.g. `<thought> {thought}</thought>\n<answer>{answer}</answer>` */
  targetTemplate: string;
  /** Stripped as Python's str.strip does, as MMHERC does. */
  thought: string;
  answer: string;
}

/**
 * Ids of a supervised target, to follow buildPrompt's, with what the chat template writes after an answer
 * (`<|im_end|>` and a newline in Qwen's).
 * @throws chat.template | prompt.target when the template does not show the answer
 */
export function buildTarget(tokenizer: Tokenizer, chatTemplate: string, parts: TargetParts): number[] {
  const fills = [pythonStrip(parts.thought), parts.answer];
  const text = fillTemplate(parts.targetTemplate, { thought: slot(0), answer: slot(1) });
  const end = answerEnd(tokenizer, chatTemplate);
  return encodeSegments(tokenizer, segment(tokenizer, text + end, fills));
}

/** What the chat template writes after the last answer. */
function answerEnd(tokenizer: Tokenizer, chatTemplate: string): string {
  const messages: ChatMessage[] = [
    { role: 'user', content: [{ type: 'text', text: slot(1) }] },
    { role: 'assistant', content: [{ type: 'text', text: slot(0) }] },
  ];
  const rendered = renderChat(tokenizer, chatTemplate, messages, { addGenerationPrompt: false });
  const at = rendered.lastIndexOf(slot(0));
  check(
    at >= 0,
    'prompt.target',
    'the chat template leaves the text of an answer out',
    'Use the chat template of a Qwen2.5-VL checkpoint.',
  );
  return rendered.slice(at + slot(0).length);
}
