// One run of the history: what it is, where it stands, what it reached, and its buttons.

import type { CheckpointRecord } from '../../storage/checkpointStore';
import type { RunSummary, Stage } from '../../protocol/messages';
import { exportRun } from '../actions';
import { saveFile } from '../exports/saveFile';
import { bytesText, duration, fixed, percent, plural } from '../format';
import { Icon } from '../parts/Icon';
import { ResumeButton } from '../run/ResumeButton';
import { positionText } from '../run/words';
import { reopenRun, useHistory, type StoredRun } from '../store/history';
import { isBusy, useRun } from '../store/run';
import { positionOf, type RunStatus } from '../store/runStatus';
import { runSettings } from './runSettings';

const STATES: Record<RunStatus, [words: string, tone: string]> = {
  here: ['Running', 'warm'],
  elsewhere: ['Running in another tab', 'warm'],
  interrupted: ['Interrupted', 'warm'],
  stopped: ['Stopped', ''],
  failed: ['Failed', 'problem'],
  finished: ['Finished', 'good'],
};

export interface RunItemProps {
  run: StoredRun;
  /** Shows the failure of what a button began. */
  attempt(work: Promise<unknown>): void;
  onDelete(): void;
}

/** A list item. */
export function RunItem({ run, attempt, onDelete }: RunItemProps): React.JSX.Element {
  const { record, status } = run;
  const busy = useRun(({ view }) => isBusy(view));
  const started = new Date(record.createdAt).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <li className="runItem" data-run={record.id} data-status={status}>
      <div className="runWhat">
        <h2 className="label num">{started}</h2>
        <p className="soft">
          {record.datasetName}
          {record.modelName !== 'demo' && `, model from ${record.modelName}`}, seed {record.seed}
        </p>
        <RunSettings recipe={record.recipe} />
      </div>
      <RunState run={run} />
      <RunResult summary={record.summary as RunSummary | undefined} />
      <RunButtons run={run} busy={busy} attempt={attempt} onDelete={onDelete} />
    </li>
  );
}

function RunSettings({ recipe }: { recipe: unknown }): React.JSX.Element {
  const { title, differences } = runSettings(recipe);
  const more = differences.slice(3);
  const all = differences.map(({ option, value }) => `${option} ${value}`).join('\n');
  return (
    <p className="note" title={all || undefined}>
      {title}
      {differences.slice(0, 3).map(({ option, value }, i) => (
        <span key={option}>
          {i === 0 ? ', but ' : ' · '}
          <span className="mono">{option}</span> {value}
        </span>
      ))}
      {more.length > 0 && ` · ${more.length} more`}
    </p>
  );
}

function RunState({ run }: { run: StoredRun }): React.JSX.Element {
  const { record, status, checkpoints } = run;
  const [words, tone] = STATES[status];
  const at = positionOf(record, checkpoints);
  return (
    <div className="runState">
      <p>
        <span className={`chip ${tone}`}>{words}</span>
      </p>
      {at && <p className="num">{positionText(at)}</p>}
      <p className="note num">{checkpointsText(checkpoints)}</p>
    </div>
  );
}

function checkpointsText(checkpoints: readonly CheckpointRecord[]): string {
  const [newest] = checkpoints;
  if (!newest) return 'no checkpoint';
  const place = ({ stage, step }: CheckpointRecord): string => positionText({ stage: stage as Stage, step });
  const best = checkpoints.find((checkpoint) => checkpoint.best);
  const bytes = checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
  const parts = [plural(checkpoints.length, 'checkpoint'), bytesText(bytes), `last ${place(newest)}`];
  return [...parts, ...(best ? [`best ${place(best)}`] : [])].join(', ');
}

function RunResult({ summary }: { summary: RunSummary | undefined }): React.JSX.Element {
  const last = summary?.afterGrpo ?? summary?.afterSft ?? summary?.before;
  const scores = last?.sampled ?? last?.greedy;
  if (!summary || !scores) return <p className="runResult note">no result yet</p>;
  return (
    <dl className="runResult num">
      <div>
        <dt className="note">In form</dt>
        <dd className="rise label">{percent(scores.formatCompliance)}</dd>
      </div>
      <div>
        <dt className="note">Total reward</dt>
        <dd className="warmText label">{fixed(scores.totalReward)}</dd>
      </div>
      <div>
        <dt className="note">Time</dt>
        <dd>{duration(summary.seconds['total'] ?? 0)}</dd>
      </div>
    </dl>
  );
}

interface ButtonsProps extends RunItemProps {
  /** A run is under way in this tab: showing another one would hide it. */
  busy: boolean;
}

function RunButtons({ run, busy, attempt, onDelete }: ButtonsProps): React.JSX.Element {
  const { record, status, resumable, checkpoints } = run;
  const opening = useHistory((history) => (history.opening?.runId === record.id ? history.opening : null));
  const live = status === 'here' || status === 'elsewhere';
  const download = async (): Promise<void> =>
    saveFile(fileName(run), await exportRun(record.id), 'application/octet-stream');
  return (
    <div className="runActions">
      {resumable && <ResumeButton record={record} className="button compact" disabled={busy} attempt={attempt} />}
      <button
        type="button"
        className="button compact"
        disabled={(busy && status !== 'here') || opening !== null}
        onClick={() => attempt(reopenRun(run))}
      >
        {opening === null ? 'Open' : `Reading its log, ${opening.percent}%`}
      </button>
      {checkpoints.length > 0 && (
        <button
          type="button"
          className="button compact quiet"
          title="One file with the run's checkpoint, record and log: it can be imported in another browser."
          onClick={() => attempt(download())}
        >
          <Icon name="download" size={12} /> Checkpoint
        </button>
      )}
      <button type="button" className="button compact quiet" disabled={live} onClick={onDelete}>
        Delete
      </button>
    </div>
  );
}

function fileName({ record, checkpoints }: StoredRun): string {
  const day = new Date(record.createdAt).toISOString().slice(0, 10);
  const newest = checkpoints[0]!;
  return `lorikeet-run-${day}-${newest.stage}-${newest.step}.safetensors`;
}
