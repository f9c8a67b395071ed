// The History place: the runs of this browser, newest first, with what can be done with each; and runs from files.

import { useEffect, useState } from 'react';
import { importRunFile } from '../storage/checkpointFile';
import { orShow } from './actions';
import { DeleteDialog } from './history/DeleteDialog';
import { RunItem } from './history/RunItem';
import { Icon } from './parts/Icon';
import { ProblemText } from './parts/ProblemText';
import { useAttempt } from './parts/useAttempt';
import { useEvery } from './parts/useEvery';
import { refreshHistory, useHistory, type StoredRun } from './store/history';
import { readStorage } from './store/device';

const WATCH_MS = 3000;

async function importRun(file: File | undefined): Promise<void> {
  if (!file) return;
  await importRunFile(new Uint8Array(await file.arrayBuffer()), file.name);
  await Promise.all([refreshHistory(), readStorage()]);
}

/** The list of stored runs; a run's file may be dropped anywhere on it. */
export function HistoryPlace(): React.JSX.Element {
  const runs = useHistory((history) => history.runs);
  const [over, setOver] = useState(false);
  const [deleting, setDeleting] = useState<StoredRun | null>(null);
  const [problem, attempt] = useAttempt();
  // A run that another tab holds may end, or its tab may be closed.
  useEvery(
    WATCH_MS,
    runs.some(({ status }) => status === 'elsewhere'),
    refreshHistory,
  );
  useEffect(() => orShow(refreshHistory()), []);
  const drop = (event: React.DragEvent): void => {
    event.preventDefault();
    setOver(false);
    attempt(importRun(event.dataTransfer.files[0]));
  };
  return (
    <main
      className={over ? 'page historyPage over' : 'page historyPage'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && setOver(false)}
      onDrop={drop}
    >
      <HistoryHead onImport={(file) => attempt(importRun(file))} />
      <ProblemText problem={problem} />
      {runs.length === 0 ? (
        <p className="card emptyNote">
          Runs will be listed here with their settings, results and checkpoints. Drop a run’s file to go on with it.
        </p>
      ) : (
        <ul className="card runList">
          {runs.map((run) => (
            <RunItem key={run.record.id} run={run} attempt={attempt} onDelete={() => setDeleting(run)} />
          ))}
        </ul>
      )}
      {deleting && <DeleteDialog run={deleting} attempt={attempt} onClose={() => setDeleting(null)} />}
    </main>
  );
}

function HistoryHead({ onImport }: { onImport(file: File | undefined): void }): React.JSX.Element {
  return (
    <div className="sectionHead">
      <h1 className="title">History</h1>
      <p className="soft">Runs are stored in this browser only.</p>
      <label className="button historyImport">
        <Icon name="upload" size={13} /> Import a run’s file
        <input
          id="import-run"
          className="visuallyHidden"
          type="file"
          accept=".safetensors"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = '';
            onImport(file);
          }}
        />
      </label>
    </div>
  );
}
