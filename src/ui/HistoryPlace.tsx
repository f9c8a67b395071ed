// The History place: earlier runs of this browser, newest first; each can be opened again.

import { useState } from 'react';
import { toErrorRecord } from '../base/errors';
import type { RunSummary } from '../protocol/messages';
import type { RunRecord } from '../storage/runs';
import { duration, fixed, percent } from './format';
import { refreshHistory, reopenRun, useHistory } from './store/history';
import { isBusy, useRun } from './store/run';
import { deleteRun } from '../storage/runs';

/** The list of stored runs. */
export function HistoryPlace(): React.JSX.Element {
  const runs = useHistory((history) => history.runs);
  const busy = useRun((run) => isBusy(run.view));
  const [problem, setProblem] = useState<string | null>(null);
  const attempt = (work: Promise<void>): void => {
    setProblem(null);
    work.catch((error: unknown) => setProblem(toErrorRecord(error).message));
  };
  return (
    <main className="page">
      <div className="sectionHead">
        <h1 className="title">History</h1>
        <p className="soft">Runs are stored in this browser only.</p>
      </div>
      {problem && (
        <p className="badText" role="alert">
          {problem}
        </p>
      )}
      <div className="card history">
        <table className="num">
          <thead>
            <tr>
              {['Started', 'Data', 'Model', 'Seed', 'In form', 'Total reward', 'Time', 'State', ''].map((name) => (
                <th key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {runs.map((record) => (
              <HistoryRow
                key={record.id}
                record={record}
                busy={busy}
                onOpen={() => attempt(reopenRun(record))}
                onDelete={() => attempt(deleteRun(record.id).then(refreshHistory))}
              />
            ))}
          </tbody>
        </table>
      </div>
    </main>
  );
}

interface RowProps {
  record: RunRecord;
  /** A run is under way: showing another one would hide it. */
  busy: boolean;
  onOpen(): void;
  onDelete(): void;
}

function HistoryRow({ record, busy, onOpen, onDelete }: RowProps): React.JSX.Element {
  const summary = record.summary as RunSummary | undefined;
  const last = summary?.afterGrpo ?? summary?.afterSft ?? summary?.before;
  const scores = last?.sampled ?? last?.greedy;
  return (
    <tr>
      <td>{new Date(record.createdAt).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}</td>
      <td>{record.datasetName}</td>
      <td>{record.modelName}</td>
      <td>{record.seed}</td>
      <td className="rise label">{scores ? percent(scores.formatCompliance) : '–'}</td>
      <td className="warmText label">{scores ? fixed(scores.totalReward) : '–'}</td>
      <td>{summary ? duration(summary.seconds['total'] ?? 0) : '–'}</td>
      <td>{summary ? (summary.complete ? 'finished' : 'stopped early') : record.state}</td>
      <td className="buttons">
        <button type="button" className="button compact" disabled={busy} onClick={onOpen}>
          Open
        </button>
        <button type="button" className="button compact quiet" disabled={busy} onClick={onDelete}>
          Delete
        </button>
      </td>
    </tr>
  );
}
