// Starts the page: workers, stores, React. The only place that connects them.

import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/frame.css';
import './styles/setup.css';
import './styles/hub.css';
import './styles/data.css';
import './styles/recipe.css';
import './styles/rewards.css';
import './styles/prompt.css';
import './styles/start.css';
import './styles/completions.css';
import './styles/run.css';
import './styles/charts.css';
import './styles/groups.css';
import './styles/result.css';
import './styles/history.css';

import { createRoot } from 'react-dom/client';
import type { ErrorRecord } from '../base/errors';
import type { DownloadMessage } from '../protocol/download';
import type { DataMessage, NoticeEvent, RunEvent, DatasetInfo } from '../protocol/messages';
import { startWorkers, type TrainerReport } from './workerClient';
import { watchStorage, type StorageStatus } from '../storage/connection';
import { sweepCopies } from '../storage/modelCopies';
import { sweepModels } from '../storage/modelStore';
import { connectClient, failData, failRun, importDemo, orShow } from './actions';
import { App } from './App';
import { hasHost, installAutomation, tellHost } from './automation';
import { createDownloadClient } from './downloadClient';
import { connectHub, isAwaited, openFetched } from './hubActions';
import { applyCopyCheck, failCopyCheck, refreshCopies } from './store/copies';
import { applyDataMessage, reopenDataset, useDataset } from './store/dataset';
import { readGuard, readStorage, useDevice, watchRequests } from './store/device';
import { refreshHistory } from './store/history';
import { withLoadingProblem } from './store/imageLoading';
import { rememberDuration } from './store/lastRun';
import { applyDryRun } from './store/dryRun';
import { applyDownload, failHub, refreshModels } from './store/hub';
import { watchModel } from './store/model';
import { applyPlan } from './store/runPlan';
import { applyPreview } from './store/promptPreview';
import { pushEvent, useRun } from './store/run';
import { applyExport } from './store/runExports';
import { useStorage } from './store/storage';
import { useSettings } from './store/settings';

const HISTORY_DELAY_MS = 400;

function onTrainer(message: TrainerReport): void {
  switch (message.type) {
    case 'event':
      pushEvent(message.event);
      tellHost({ type: 'event', event: message.event });
      onRunEvent(message.event);
      return;
    case 'probed':
      useDevice.setState({ adapter: message.adapter });
      return;
    case 'probeFailed':
      useDevice.setState({ problem: message.error });
      tellHost({ type: 'unsupported', error: message.error });
      return;
    case 'measuring':
    case 'measureNotice':
    case 'measured':
    case 'measureFailed':
      applyDryRun(message);
      if (message.type === 'measureNotice') onNotice(message.notice);
      if (message.type === 'measuring' || message.type === 'measureNotice') tellHost(message);
      return;
    default:
      message satisfies never;
  }
}

/** Keeps the list of copies up to date. */
function onNotice({ code }: NoticeEvent): void {
  if (code.startsWith('base.copy')) orShow(Promise.all([refreshCopies(), readStorage()]));
}

/** Keeps the list of runs up to date: their states, positions and checkpoints. */
function onRunEvent(event: RunEvent): void {
  if (event.type === 'notice') onNotice(event);
  if (event.type === 'finished') onFinished(event.summary.seconds['total'], event.summary.complete);
  const listed = event.type === 'checkpoint' || event.type === 'resumed';
  const ended = event.type === 'state' && (event.state === 'running' || event.state === 'failed');
  if (!listed && !ended) return;
  // The state counts once the page has taken it over.
  setTimeout(() => orShow(refreshHistory()), HISTORY_DELAY_MS);
}

function onFinished(seconds: number | undefined, complete: boolean): void {
  const { recipe, datasetId } = useRun.getState();
  if (recipe && datasetId && complete && seconds !== undefined) rememberDuration(recipe, datasetId, seconds);
  setTimeout(() => orShow(Promise.all([refreshHistory(), readStorage()])), HISTORY_DELAY_MS);
}

function tellDataset(info: DatasetInfo, bundled: boolean): void {
  const { image_loading } = useSettings.getState().recipe;
  tellHost({ type: 'dataset', info: withLoadingProblem(info, image_loading), bundled });
}

async function onData(message: DataMessage): Promise<void> {
  if (applyPreview(message) || applyExport(message) || applyPlan(message)) return;
  const { importing } = useDataset.getState();
  if (message.type === 'progress' && message.id === importing?.id) {
    const { step, done, total } = message;
    tellHost({ type: 'importProgress', step, done, total });
  }
  const ended = await applyDataMessage(message);
  if (ended?.type === 'imported') tellDataset(ended.info, importing?.bundled ?? false);
  if (ended?.type === 'failed') tellHost({ type: 'datasetFailed', error: ended.error, problems: ended.problems });
  if (ended) await readStorage();
}

/** What cannot be read at the start is read once the tab in the way has let go. */
function onStorage(status: StorageStatus): void {
  const { blocked } = useStorage.getState();
  useStorage.setState(status);
  if (!blocked || status.blocked) return;
  const { info, importing } = useDataset.getState();
  if (!info && !importing) orShow(openFirstDataset());
  orShow(Promise.all([refreshHistory(), readStorage()]));
}

/** The dataset of the last visit; on a first visit the demo's, so that one button is enough. */
async function openFirstDataset(): Promise<void> {
  const reopened = await reopenDataset();
  const { info, bundled, importing } = useDataset.getState();
  if (reopened && info) tellDataset(info, bundled);
  // A host says by itself what it wants to train on.
  else if (!importing && !hasHost()) importDemo();
  tellHost({ type: 'ready' });
}

function onDownload(message: DownloadMessage): void {
  const check = applyCopyCheck(message);
  if (check?.ended) orShow(Promise.all([refreshCopies(), readStorage()]));
  if (check) return;
  const awaited = 'id' in message && isAwaited(message.id);
  if (applyDownload(message)) orShow(Promise.all([refreshModels(), readStorage()]));
  if (awaited) orShow(openFetched(message));
}

function onDownloadCrash(error: ErrorRecord): void {
  failCopyCheck(error);
  failHub(error);
}

/** What was cut off and left without a model goes first. */
async function openModels(): Promise<void> {
  await sweepModels();
  await refreshModels();
  await sweepCopies();
  await refreshCopies();
}

function start(): void {
  installAutomation();
  watchRequests();
  watchStorage(onStorage);
  watchModel();
  orShow(readGuard());
  const root = document.getElementById('root');
  if (root) createRoot(root).render(<App />);
  const { problem } = useDevice.getState();
  if (problem) {
    tellHost({ type: 'unsupported', error: problem });
    return;
  }
  const client = startWorkers({
    trainer: onTrainer,
    data: (message) => orShow(onData(message)),
    crashed: (worker, error) => {
      if (worker === 'data') {
        failData(error);
        tellHost({ type: 'datasetFailed', error, problems: [] });
      } else {
        failRun(error);
        tellHost({ type: 'failed', error });
      }
    },
  });
  connectClient(client);
  connectHub(createDownloadClient({ message: onDownload, crashed: onDownloadCrash }));
  client.toTrainer({ type: 'probe' });
  orShow(openFirstDataset());
  orShow(Promise.all([refreshHistory(), readStorage()]));
  orShow(openModels());
}

start();
