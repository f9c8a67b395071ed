// The 4-bit copies of base models that this browser keeps, and the check of one of them.

import { create } from 'zustand';
import type { ErrorRecord } from '../../base/errors';
import type { ModelCopy } from '../../base/modelCopy';
import type { DownloadMessage } from '../../protocol/download';
import { listCopies } from '../../storage/modelCopies';
import { useSettings } from './settings';

interface CopiesView {
  /** null until they have been listed. */
  copies: ModelCopy[] | null;
  /** What is under way; `id` of its request. */
  checking: { id: number; key: string; share: number } | null;
  /** The outcome of the last check, in words. */
  checked: { name: string; key: string; text: string } | null;
}

export const useCopies = create<CopiesView>(() => ({ copies: null, checking: null, checked: null }));

/** Lists the copies anew. Errors: storage.failed. */
export async function refreshCopies(): Promise<void> {
  useCopies.setState({ copies: await listCopies() });
}

/** Shows that a copy is read again. */
export function beginCopyCheck(id: number, key: string): void {
  useCopies.setState({ checking: { id, key, share: 0 }, checked: null });
}

/** Forgets what was found of a copy. */
export function forgetCopyCheck(key: string): void {
  useCopies.setState(({ checked }) => ({ checked: checked?.key === key ? null : checked }));
}

/** Ends a check, with what was found. */
function end(text: string): void {
  useCopies.setState(({ checking, copies }) => {
    if (!checking) return {};
    const { key } = checking;
    const name = copies?.find((copy) => copy.key === key)?.name ?? 'the model';
    return { checking: null, checked: { key, name, text } };
  });
}

function outcome({ broken, gone }: Extract<DownloadMessage, { type: 'verified' }>): string {
  if (gone) return 'It is not here any more.';
  if (broken.length === 0) return 'Every piece has the hash that it was written with.';
  const anew = useSettings.getState().keepCopy ? ' The next start makes it anew.' : '';
  return `It had other bytes than were written and was removed.${anew}`;
}

/** Ends a check that could not be made, or whose worker has crashed. */
export function failCopyCheck({ message }: ErrorRecord): void {
  end(message);
}

/**
 * Takes over what the download worker says of a check.
 * @returns whether the message is about it; its end may have changed the list
 */
export function applyCopyCheck(message: DownloadMessage): { ended: boolean } | null {
  const { checking } = useCopies.getState();
  if (!checking || !('id' in message) || message.id !== checking.id) return null;
  if (message.type === 'verifying') {
    useCopies.setState({ checking: { ...checking, share: message.done / message.total } });
    return { ended: false };
  }
  if (message.type === 'failed') failCopyCheck(message.error);
  else end(message.type === 'verified' ? outcome(message) : 'The check was stopped.');
  return { ended: true };
}
