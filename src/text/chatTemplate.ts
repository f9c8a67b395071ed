// Finds a checkpoint's chat template and renders conversations with it. Must not know the template's wording.

import { check } from '../base/errors';
import { isJsonObject } from '../base/json';
import type { ChatMessage, Tokenizer } from './tokenizer';

/** A repository's files that may hold the template, those that exist. */
export interface ChatTemplateFiles {
  /** Parsed tokenizer_config.json. */
  tokenizerConfig?: unknown;
  /** Parsed chat_template.json. */
  chatTemplateJson?: unknown;
  /** Text of chat_template.jinja. */
  chatTemplateJinja?: string;
}

/**
 * The Jinja text of the template: chat_template.jinja, else chat_template.json, else tokenizer_config.json
 * (the order of transformers' processors).
 * @throws chat.missing
 */
export function findChatTemplate(files: ChatTemplateFiles): string {
  const found =
    files.chatTemplateJinja ?? templateOf(files.chatTemplateJson) ?? templateOf(files.tokenizerConfig) ?? null;
  check(
    found !== null,
    'chat.missing',
    'no chat template: expected `chat_template` in chat_template.json or tokenizer_config.json, or chat_template.jinja',
    'Choose the whole model folder; an instruction-tuned checkpoint has a chat template.',
  );
  return found;
}

/** `chat_template` as text, or the entry named `default` of a list of templates. */
function templateOf(file: unknown): string | null {
  if (!isJsonObject(file)) return null;
  const template = file.chat_template;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return null;
  const entry = template.filter(isJsonObject).find(({ name }) => name === 'default');
  return typeof entry?.template === 'string' ? entry.template : null;
}

/** The conversation as text, one placeholder per image; @throws chat.template */
export function renderChat(
  tokenizer: Tokenizer,
  template: string,
  messages: ChatMessage[],
  options: { addGenerationPrompt: boolean },
): string {
  return tokenizer.applyTemplate(template, messages, options.addGenerationPrompt);
}
