// Asks before a run is deleted, and names what goes with it and what stays.

import { deleteRun } from '../../storage/runs';
import type { RunSummary } from '../../protocol/messages';
import { bytesText, plural } from '../format';
import { Dialog } from '../parts/Dialog';
import { readStorage } from '../store/device';
import { refreshHistory, type StoredRun } from '../store/history';
import { isBusy, useRun } from '../store/run';

export interface DeleteDialogProps {
  run: StoredRun;
  attempt(work: Promise<unknown>): void;
  onClose(): void;
}

async function remove(id: string): Promise<void> {
  await deleteRun(id);
  // A run on show that is gone would offer files that are gone.
  const { view } = useRun.getState();
  if (view?.runId === id && !isBusy(view)) useRun.setState({ view: null, recipe: null });
  await Promise.all([refreshHistory(), readStorage()]);
}

/** The question. */
export function DeleteDialog({ run, attempt, onClose }: DeleteDialogProps): React.JSX.Element {
  const { record, checkpoints, resumable } = run;
  const started = new Date(record.createdAt).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const bytes = checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
  const summary = record.summary as RunSummary | undefined;
  return (
    <Dialog title="Delete this run?" onClose={onClose}>
      <p>
        The run of {started} on {record.datasetName}, seed {record.seed}. These go for good:
      </p>
      <ul className="goes">
        <li>its curves, groups and completions</li>
        {summary && <li>its adapter and result, {bytesText(summary.adapter.bytes)}</li>}
        {checkpoints.length > 0 && (
          <li>
            {plural(checkpoints.length, 'checkpoint')}, {bytesText(bytes)}
            {resumable && ': it cannot be resumed any more'}
          </li>
        )}
      </ul>
      <p className="soft">The dataset stays, and so does every file that you have downloaded.</p>
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Keep it
        </button>
        <button
          id="confirm-delete"
          type="button"
          className="button danger"
          onClick={() => {
            onClose();
            attempt(remove(record.id));
          }}
        >
          Delete
        </button>
      </div>
    </Dialog>
  );
}
