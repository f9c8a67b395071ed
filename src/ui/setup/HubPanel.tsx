// The part of the Model card that fetches a model from the Hugging Face hub: name, what there is, progress.

import { useEffect, useState } from 'react';
import type { HubModel } from '../../base/hubModel';
import type { DownloadProgress } from '../../protocol/download';
import { bytesText, clock, percent } from '../format';
import { cancelFetch, goOn, lookUpModel, stopHub } from '../hubActions';
import { Icon } from '../parts/Icon';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { storedView, taskModel, useHub, type HubTask } from '../store/hub';
import { readHubSettings } from '../store/hubSettings';
import { HubFound, IntoFolder } from './HubFound';
import { StoredModels } from './StoredModels';

/** The name that the field begins with. */
const USUAL = 'Qwen/Qwen2.5-VL-3B-Instruct';

/** Form, task and stored models. */
export function HubPanel(): React.JSX.Element {
  const task = useHub((hub) => hub.task);
  return (
    <div className="hubPanel">
      <HubForm busy={'id' in task} />
      <HubState task={task} />
      <StoredModels />
    </div>
  );
}

/** The host that would be asked; the usual one until the page's server has said another. */
function useHubHost(): string {
  const [host, setHost] = useState('huggingface.co');
  useEffect(() => {
    // What is wrong with hub.json is said when something is asked for.
    readHubSettings().then(
      ({ endpoint }) => setHost(new URL(endpoint).host),
      () => undefined,
    );
  }, []);
  return host;
}

interface HubFieldProps {
  id: string;
  label: string;
  className: string;
  value: string;
  onValue(value: string): void;
}

function HubField({ id, label, className, value, onValue }: HubFieldProps): React.JSX.Element {
  return (
    <label className={`field ${className}`}>
      <span className="note">{label}</span>
      <input
        id={id}
        type="text"
        spellCheck={false}
        autoCapitalize="off"
        value={value}
        onChange={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}

function HubForm({ busy }: { busy: boolean }): React.JSX.Element {
  const [name, setName] = useState(USUAL);
  const [revision, setRevision] = useState('main');
  const host = useHubHost();
  return (
    <form
      className="hubForm"
      onSubmit={(event) => {
        event.preventDefault();
        lookUpModel(name, revision);
      }}
    >
      <HubField id="hub-model" label="Model" className="hubName" value={name} onValue={setName} />
      <HubField id="hub-revision" label="Revision" className="hubRevision" value={revision} onValue={setRevision} />
      <button id="hub-look-up" type="submit" className="button" disabled={busy}>
        Look it up
      </button>
      <p className="note hubPromise">
        Nothing is asked of {host} before you press. Then it hears the model’s name, and never anything of your data.
      </p>
    </form>
  );
}

/** Codes of what a folder on disk helps against. */
const NO_ROOM = new Set(['hub.room', 'storage.quota']);

function HubState({ task }: { task: HubTask }): React.JSX.Element | null {
  switch (task.kind) {
    case 'none':
    case 'checking':
      return null;
    case 'looking':
      return (
        <div className="hubTask rowBetween" role="status">
          <p>Asking the hub for the model’s files.</p>
          <button type="button" className="linkButton" onClick={stopHub}>
            Stop
          </button>
        </div>
      );
    case 'found':
      return <HubFound model={task.model} />;
    case 'fetching':
      return <Fetching {...task} />;
    case 'paused':
      return <Paused model={task.model} into={task.into} line="Paused; what has arrived is kept." />;
    case 'problem':
      return (
        <div className="hubTask">
          <ProblemText problem={task.error} />
          {task.model && <Paused model={task.model} into={task.into} line="" />}
          {task.model && !task.into && NO_ROOM.has(task.error.code) && (
            <span className="buttons">
              <IntoFolder model={task.model} quiet={false} />
            </span>
          )}
        </div>
      );
    default:
      return task satisfies never;
  }
}

/** What is known of a download, in one line. */
function progressLine(progress: DownloadProgress | null, host: string): string {
  if (!progress) return 'Beginning.';
  if (progress.waiting !== null) return `Waiting to try again: ${progress.waiting}`;
  const share = `${bytesText(progress.arrived)} of ${bytesText(progress.total)}`;
  if (progress.reading) return `${share}: reading what the folder has already`;
  const { bytesPerSecond, secondsLeft } = progress;
  const rate = bytesPerSecond === null ? '' : `, ${bytesText(bytesPerSecond)}/s`;
  const left = secondsLeft === null ? '' : `, ${clock(secondsLeft)} left`;
  const from = progress.following ? ', fetched by another tab' : host && `, from ${host}`;
  return `${share}${rate}${left}${from}`;
}

/** What is being fetched, and where it goes. */
function FetchedName({ model, into, progress }: Omit<FetchingProps, 'kind' | 'id'>): React.JSX.Element {
  return (
    <p>
      <strong className="label">{model.id}</strong> <span className="mono soft">{progress?.file}</span>
      {into && <span className="soft"> into the folder {into.name}</span>}
    </p>
  );
}

type FetchingProps = Extract<HubTask, { kind: 'fetching' }>;

function Fetching({ model, into, progress }: FetchingProps): React.JSX.Element {
  const [problem, attempt] = useAttempt();
  // The host that sends most: small files and addresses come from the hub itself.
  const host = useHub(({ traffic }) => traffic.toSorted((a, b) => b.receivedBytes - a.receivedBytes)[0]?.host ?? '');
  const share = (progress?.arrived ?? 0) / model.bytes;
  const following = progress?.following ?? false;
  return (
    <div className="hubTask" data-state="fetching">
      <FetchedName model={model} into={into} progress={progress} />
      <div
        className="bar"
        role="progressbar"
        aria-label={`Download of ${model.id}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(share * 100)}
      >
        <i style={{ width: `${share * 100}%` }} />
      </div>
      <div className="rowBetween">
        <p className="num hubLine">{progressLine(progress, host)}</p>
        <span className="buttons">
          <button id="hub-pause" type="button" className="button compact" onClick={stopHub}>
            <Icon name="pause" size={12} /> {following ? 'Stop looking on' : 'Pause'}
          </button>
          {!following && (
            <button
              id="hub-cancel"
              type="button"
              className="button compact quiet"
              title={into ? 'What has arrived stays in the folder.' : 'What has arrived is removed.'}
              onClick={() => attempt(cancelFetch(model))}
            >
              Cancel
            </button>
          )}
        </span>
      </div>
      <ProblemText problem={problem} />
    </div>
  );
}

interface PausedProps {
  model: HubModel;
  into: FileSystemDirectoryHandle | null;
  line: string;
}

function Paused({ model, into, line }: PausedProps): React.JSX.Element {
  const [problem, attempt] = useAttempt();
  const stored = useHub((hub) => storedView(hub, model, into));
  const arrived = stored?.arrived ?? 0;
  return (
    <div className="rowBetween" data-state="paused">
      <p className="num">
        {line} {bytesText(arrived)} of {bytesText(model.bytes)} ({percent(arrived / model.bytes)})
        {into ? ` in the folder ${stored?.folder ?? into.name}.` : '.'}
      </p>
      <span className="buttons">
        <button id="hub-go-on" type="button" className="button compact" onClick={() => attempt(goOn(model, into))}>
          <Icon name="play" size={12} /> Go on
        </button>
        {stored && !into && (
          <button type="button" className="button compact quiet" onClick={() => attempt(cancelFetch(model))}>
            Remove what has arrived
          </button>
        )}
      </span>
      <ProblemText problem={problem} />
    </div>
  );
}

/** The line of the Model card while no model of the hub is chosen. */
export function hubLine(task: HubTask): string {
  const model = taskModel(task);
  if (task.kind === 'fetching') return `Fetching ${task.model.id}.`;
  if (task.kind === 'looking') return 'Asking the hub.';
  return model
    ? `${model.id} is not stored here yet.`
    : 'Name a Qwen2.5-VL model of the hub, or use one that is stored.';
}
