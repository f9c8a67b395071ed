// Decides what a checkpoint that cannot be written means: a warning while training can go on without it, the run's end
// where it cannot. Knows neither what is in a checkpoint nor where it goes.

import { LorikeetError } from '../base/errors';
import type { NoticeEvent } from '../protocol/messages';

export interface CheckpointKeeper {
  /** Commits a checkpoint, or throws: where nothing may go on without one. */
  commit(): Promise<void>;
  /**
   * Commits a checkpoint if it can; a disk that takes none is said once, and once more when it takes one again.
   * @throws what does not come from the disk: a lost GPU, numbers that are not finite
   */
  tryCommit(occasion: Occasion): Promise<void>;
  /** Whether a checkpoint is being written. */
  isSaving(): boolean;
  /** Whether the last checkpoint that was due is not kept: it is to be tried again at the next boundary. */
  owes(): boolean;
}

export interface Occasion {
  /** It holds the best evaluation of its stage so far. */
  best?: boolean;
  /** Whether steps or stages of training follow, at which it is tried again. */
  goesOn: boolean;
}

/** Failures of writing; everything else is about the run itself. */
const DISK = new Set([...['storage.quota', 'storage.failed', 'storage.blocked', 'storage.newer'], 'checkpoint.verify']);

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
  let saving = false;
  const commit = async (best: boolean): Promise<void> => {
    saving = true;
    try {
      await save(best);
    } finally {
      saving = false;
    }
    if (!failing) return;
    failing = false;
    const message = `Checkpoints can be written again: ${place()} is kept.`;
    notify({ type: 'notice', level: 'info', code: 'checkpoint.written', message });
  };
  return {
    commit: () => commit(false),
    async tryCommit({ best = false, goesOn }) {
      try {
        await commit(best);
      } catch (error) {
        if (!(error instanceof LorikeetError) || !DISK.has(error.code)) throw error;
        if (!failing) notify(failureNotice(place(), error, goesOn));
        failing = true;
      }
    },
    isSaving: () => saving,
    owes: () => failing,
  };
}

function failureNotice(place: string, { message, hint }: LorikeetError, goesOn: boolean): NoticeEvent {
  const rest = goesOn
    ? 'The run goes on and tries again after its next step or where its next stage begins; an interruption before that goes back to the checkpoint before.'
    : 'A resume goes back to the checkpoint before; without one the run begins again.';
  const text = [`The checkpoint of ${place} could not be written: ${message}.`.replace(/\.\.$/, '.'), hint, rest];
  return {
    type: 'notice',
    level: 'warning',
    code: 'checkpoint.notWritten',
    message: text.filter(Boolean).join(' '),
  };
}
