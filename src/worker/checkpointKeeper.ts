// Decides what a checkpoint that cannot be written means: a warning while training can go on without it, the run's end
// where it cannot. Knows neither what is in a checkpoint nor where it goes.

import { LorikeetError } from '../base/errors';
import type { NoticeEvent } from '../protocol/messages';

export interface CheckpointKeeper {
  /** Commits a checkpoint, or throws: where nothing may go on without one. */
  commit(): Promise<void>;
  /**
   * Commits a checkpoint if it can; a disk that takes none is said once, and once more when it takes one again.
   * @returns whether it is kept; if not, the caller tries again at the next boundary
   * @throws what does not come from the disk: a lost GPU, numbers that are not finite
   */
  tryCommit(best?: boolean): Promise<boolean>;
}

/** Failures of writing; everything else is about the run itself. */
const DISK = new Set(['storage.quota', 'storage.failed', 'checkpoint.verify']);

/**
 * @param save commits a checkpoint of the run as it stands
 * @param place where the run stands, as a notice names it
 * @param notify shows a notice
 */
export function createCheckpointKeeper(
  save: (best: boolean) => Promise<void>,
  place: () => string,
  notify: (notice: NoticeEvent) => void,
): CheckpointKeeper {
  let failing = false;
  const commit = async (best: boolean): Promise<void> => {
    await save(best);
    if (!failing) return;
    failing = false;
    const message = `Checkpoints can be written again: ${place()} is kept.`;
    notify({ type: 'notice', level: 'info', code: 'checkpoint.written', message });
  };
  return {
    commit: () => commit(false),
    async tryCommit(best = false) {
      try {
        await commit(best);
        return true;
      } catch (error) {
        if (!(error instanceof LorikeetError) || !DISK.has(error.code)) throw error;
        if (!failing) notify(failureNotice(place(), error));
        failing = true;
        return false;
      }
    },
  };
}

function failureNotice(place: string, { message, hint }: LorikeetError): NoticeEvent {
  const rest =
    'The run goes on and tries again at every step; until then an interruption goes back to the checkpoint before.';
  const text = [`The checkpoint of ${place} could not be written: ${message}.`.replace(/\.\.$/, '.'), hint, rest];
  return {
    type: 'notice',
    level: 'warning',
    code: 'checkpoint.notWritten',
    message: text.filter(Boolean).join(' '),
  };
}
