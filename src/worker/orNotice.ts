// Work that a run can do without: its failure is a warning.

import { toErrorRecord } from '../base/errors';
import type { Reporter } from '../train/control';

/**
 * Does `work`; a failure becomes a notice, and the run is what it was.
 * @param what is not there then, as the sentence's subject: `The check case`
 */
export async function orNotice(
  reporter: Pick<Reporter, 'emit'>,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message, hint } = toErrorRecord(error);
    const text = [`${what} could not be saved: ${message}`, hint, 'Everything else of the run is there.'];
    reporter.emit({
      type: 'notice',
      level: 'warning',
      code: 'artifact.notStored',
      message: text.filter(Boolean).join(' '),
    });
  }
}
