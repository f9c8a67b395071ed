// The rendered prompt on show in Setup. The newest question alone counts: answers to earlier ones are dropped.

import { create } from 'zustand';
import type { ErrorRecord } from '../../base/errors';
import type { DataMessage, RenderedPrompt } from '../../protocol/messages';

export interface PromptPreview {
  /** Stays on show while the next one is being rendered. */
  prompt: RenderedPrompt | null;
  error: ErrorRecord | null;
  waiting: boolean;
}

export const usePromptPreview = create<PromptPreview>(() => ({ prompt: null, error: null, waiting: false }));

let newest = 0;

/** Notes a new question and returns its id. */
export function beginPreview(): number {
  newest += 1;
  usePromptPreview.setState({ waiting: true });
  return newest;
}

/** The worker is gone: the question that waits gets no answer. @returns whether there was one */
export function failPreview(error: ErrorRecord): boolean {
  const { waiting } = usePromptPreview.getState();
  if (waiting) usePromptPreview.setState({ prompt: null, error, waiting: false });
  return waiting;
}

/** Takes the data worker's answer; true when the message was one, to whichever question. */
export function applyPreview(message: DataMessage): boolean {
  if (message.type !== 'prompt' && message.type !== 'promptFailed') return false;
  if (message.id !== newest) return true;
  if (message.type === 'prompt') usePromptPreview.setState({ prompt: message.prompt, error: null, waiting: false });
  else usePromptPreview.setState({ prompt: null, error: message.error, waiting: false });
  return true;
}
