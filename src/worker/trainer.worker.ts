// The trainer worker: owns the GPU device, runs one run at a time, answers pause, resume and stop.

import { toErrorRecord } from '../base/errors';
import { requestDevice } from '../gpu/device';
import type {
  AdapterInfo,
  ContinueRequest,
  RunState,
  RunSummary,
  StartRequest,
  TrainerMessage,
  TrainerRequest,
} from '../protocol/messages';
import { holdRun } from '../storage/runLock';
import { appendEvents, createRun, updateRun } from '../storage/runs';
import { loadDataset } from '../storage/datasets';
import { StopRequested } from '../train/control';
import { readContinuation } from './continueRun';
import { createEncoderClient, type EncoderClient } from './encoderClient';
import { createRunReporter, type RunReporter } from './runReporter';
import { runTraining, type RunEnvironment } from './runTraining';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: TrainerMessage) => scope.postMessage(message);

let encoder: EncoderClient | undefined;
type Wish = 'run' | 'pause' | 'stop';

/** What the page asked for last, and the run that hears of it. */
const current: { wish: Wish; wake?: () => void; reporter?: RunReporter; running: boolean } = {
  wish: 'run',
  running: false,
};

function announce(state: RunState): void {
  const { reporter } = current;
  reporter?.emit({ type: 'state', state, stage: reporter.stage() });
}

/** Pause and stop take effect between steps and between parts of an evaluation. */
const control: RunEnvironment['control'] = {
  async boundary(save) {
    if (current.wish === 'pause') {
      // A paused tab may be closed.
      await save();
      announce('paused');
      await new Promise<void>((resolve) => (current.wake = resolve));
      current.wake = undefined;
      announce('running');
    }
    if (current.wish === 'stop') throw new StopRequested();
  },
};

/** Makes the reporter of the run: it logs, shows, and hears of pause and stop. */
function reporters(
  runId: string,
  append: Parameters<typeof createRunReporter>[1],
  from?: Parameters<typeof createRunReporter>[4],
): RunEnvironment['createReporter'] {
  return (estimate) => {
    const reporter = createRunReporter(runId, append, (event) => post({ type: 'event', event }), estimate, from);
    current.reporter = reporter;
    return reporter;
  };
}

/** Runs `work` as the one run of this worker; a failure ends the run by its events. */
async function asRun(runId: string, work: (encoder: EncoderClient) => Promise<RunSummary>): Promise<void> {
  if (current.running || !encoder) return;
  Object.assign(current, { running: true, wish: 'run', reporter: undefined });
  const own = encoder;
  try {
    const summary = await holdRun(runId, () => work(own));
    announce('finished');
    current.reporter?.emit({ type: 'finished', summary });
  } catch (error) {
    await fail(runId, error);
  } finally {
    current.running = false;
  }
}

function start(request: StartRequest): Promise<void> {
  const { runId } = request;
  return asRun(runId, async (client) => {
    const { info } = await loadDataset(request.datasetId);
    await createRun({
      id: runId,
      createdAt: Date.now(),
      seed: request.seed,
      datasetId: request.datasetId,
      datasetName: info.name,
      modelName: request.model.kind === 'bundled' ? 'demo' : 'folder',
      recipe: request.recipe,
      adapterName: request.adapter?.name,
      state: 'running',
    });
    const createReporter = reporters(runId, (events) => appendEvents(runId, events));
    return runTraining(request, { encoder: client, control, createReporter });
  });
}

function goOn(request: ContinueRequest): Promise<void> {
  const { runId } = request;
  return asRun(runId, async (client) => {
    const { training, checkpoint, from, append, begin } = await readContinuation(request);
    const createReporter = reporters(runId, append, from);
    return runTraining(training, { encoder: client, control, createReporter, checkpoint, onOpened: begin });
  });
}

/** Failures that say something of the request: the stored run is as good as before. */
const UNTOUCHED = new Set([
  ...['run.locked', 'run.missing', 'run.finished', 'storage.exists'],
  ...['checkpoint.base', 'checkpoint.dataset', 'checkpoint.recipe', 'checkpoint.newer', 'checkpoint.broken'],
]);

async function fail(runId: string, error: unknown): Promise<void> {
  const record = toErrorRecord(error);
  const { reporter } = current;
  if (reporter) {
    reporter.emit({ type: 'error', error: record });
    announce('failed');
    await reporter.settled();
  } else {
    // Failed before the run had a log: the page still has to hear of it.
    const common = { runId, seq: 0, time: Date.now() };
    post({ type: 'event', event: { type: 'error', error: record, ...common } });
    post({ type: 'event', event: { type: 'state', state: 'failed', stage: null, ...common, seq: 1 } });
  }
  if (!UNTOUCHED.has(record.code)) await updateRun(runId, { state: 'failed' }).catch(() => undefined);
}

async function probe(): Promise<void> {
  try {
    const { device, info } = await requestDevice();
    const adapter: AdapterInfo = {
      vendor: info.vendor,
      architecture: info.architecture,
      description: info.description,
      software: info.adapterClass === 'software',
      maxBufferSize: info.limits.maxBufferSize,
      maxStorageBufferBindingSize: info.limits.maxStorageBufferBindingSize,
    };
    device.destroy();
    post({ type: 'probed', adapter });
  } catch (error) {
    post({ type: 'probeFailed', error: toErrorRecord(error) });
  }
}

function setWish(next: Wish): void {
  if (!current.running) return;
  current.wish = next;
  if (next === 'pause') announce('pausing');
  if (next === 'stop') announce('stopping');
  if (next !== 'pause') current.wake?.();
}

scope.onmessage = ({ data }: MessageEvent<TrainerRequest>) => {
  switch (data.type) {
    case 'connectEncoder':
      encoder = createEncoderClient(data.port);
      return;
    case 'probe':
      void probe();
      return;
    case 'start':
      void start(data);
      return;
    case 'continue':
      void goOn(data);
      return;
    case 'pause':
      return setWish('pause');
    case 'resume':
      return setWish('run');
    case 'stop':
      return setWish('stop');
    default:
      data satisfies never;
  }
};
