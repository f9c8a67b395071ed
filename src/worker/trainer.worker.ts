// The trainer worker: owns the GPU device, runs one run at a time, answers pause, resume and stop.

import { check, fromErrorRecord, LorikeetError, toErrorRecord, type ErrorRecord } from '../base/errors';
import { requestDevice } from '../gpu/device';
import type {
  AdapterInfo,
  ContinueRequest,
  MeasureRequest,
  ModelChoice,
  RunEvent,
  RunState,
  RunSummary,
  StartRequest,
  TrainerMessage,
  TrainerRequest,
} from '../protocol/messages';
import { holdRun } from '../storage/runLock';
import { appendEvents, createRun, updateRun } from '../storage/runs';
import { loadDataset } from '../storage/datasets';
import { sourceOf } from './chosenModel';
import { readContinuation } from './continueRun';
import { dryRun } from './dryRun';
import { createEncoderClient, type EncoderClient } from './encoderClient';
import { createRunControl, type RunControl } from './runControl';
import { createRunReporter, type LogPosition, type RunReporter } from './runReporter';
import { runTraining, type RunEnvironment } from './runTraining';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: TrainerMessage) => scope.postMessage(message);

let encoder: EncoderClient | undefined;

/** The run that this worker trains. */
interface LiveRun {
  id: string;
  control: RunControl;
  /** Whether the stored run is this attempt's; until then a failure leaves it as it was. */
  begun: boolean;
  /** Left out before the run has a log. */
  reporter?: RunReporter;
}

let live: LiveRun | null = null;

/** The dry run under way. */
interface Measuring {
  id: number;
  stop(): void;
  /** Resolves when it has ended, however that was. */
  ended: Promise<void>;
}

let measuring: Measuring | null = null;

function announce({ reporter }: LiveRun, state: RunState): void {
  reporter?.emit({ type: 'state', state, stage: reporter.stage() });
}

/** What every run gets from this worker. */
function surroundings(run: LiveRun, append: Parameters<typeof createRunReporter>[1], from?: LogPosition) {
  const show = (event: RunEvent): void => post({ type: 'event', event });
  const createReporter: RunEnvironment['createReporter'] = (estimate) =>
    (run.reporter = createRunReporter(run.id, append, show, estimate, from));
  return { control: run.control, createReporter };
}

/** The encoder that a run may begin with. @throws run.busy, reward.encoder */
function readyEncoder(): EncoderClient {
  check(!live, 'run.busy', 'Another run is under way in this tab.', 'Stop it, or wait for its end.');
  check(encoder, 'reward.encoder', 'The reward encoder worker is not connected.', 'Reload the page.');
  return encoder;
}

/** Runs `work` as the one run of this worker; whatever happens, the run's end is told. */
async function asRun(id: string, work: (run: LiveRun, encoder: EncoderClient) => Promise<RunSummary>): Promise<void> {
  let own: EncoderClient;
  try {
    own = readyEncoder();
  } catch (error) {
    tellRefusal(id, toErrorRecord(error));
    return;
  }
  const run: LiveRun = { id, begun: false, control: createRunControl((state) => announce(run, state)) };
  live = run;
  try {
    // A run goes before a dry run, which gives the GPU back first.
    measuring?.stop();
    await measuring?.ended;
    const summary = await holdRun(id, () => work(run, own));
    announce(run, 'finished');
    run.reporter?.emit({ type: 'finished', summary });
  } catch (error) {
    await fail(run, error);
  } finally {
    live = null;
  }
}

/** What the history calls a model. */
function nameOf(model: ModelChoice): string {
  switch (model.kind) {
    case 'bundled':
      return 'demo';
    case 'files':
      return model.hubId ?? 'folder';
    case 'stored':
      return model.id;
    default:
      return model satisfies never;
  }
}

function start(request: StartRequest): Promise<void> {
  const { runId } = request;
  return asRun(runId, async (run, client) => {
    const { info } = await loadDataset(request.datasetId);
    await createRun({
      id: runId,
      createdAt: Date.now(),
      seed: request.seed,
      datasetId: request.datasetId,
      datasetName: info.name,
      modelName: nameOf(request.model),
      modelKey: request.model.kind === 'stored' ? request.model.key : undefined,
      recipe: request.recipe,
      adapterName: request.adapter?.name,
      state: 'running',
    });
    run.begun = true;
    const own = surroundings(run, (events) => appendEvents(runId, events));
    return runTraining({ ...request, model: await sourceOf(request.model) }, { ...own, encoder: client });
  });
}

function goOn(request: ContinueRequest): Promise<void> {
  return asRun(request.runId, async (run, client) => {
    const { training, checkpoint, from, append, begin } = await readContinuation(request);
    const own = surroundings(run, append, from);
    const onOpened = async (): Promise<void> => {
      await begin();
      run.begun = true;
    };
    return runTraining(training, { ...own, encoder: client, checkpoint, onOpened });
  });
}

const STOPPED_MEASURE = new LorikeetError('measure.stopped', 'The measurement was stopped before its end.');

async function makeDryRun({ id, ...request }: MeasureRequest, isStopped: () => boolean): Promise<void> {
  try {
    check(!measuring, 'run.busy', 'Another step is being measured.', 'Wait for its end.');
    const own = readyEncoder();
    const source = { ...request, model: await sourceOf(request.model) };
    const measured = await dryRun(source, {
      encoder: own,
      isStopped,
      show: (part, done, total) => post({ type: 'measuring', id, part, done, total }),
      notice: (notice) => post({ type: 'measureNotice', id, notice }),
    });
    post({ type: 'measured', id, ...measured });
  } catch (error) {
    post({ type: 'measureFailed', id, error: toErrorRecord(isStopped() ? STOPPED_MEASURE : error) });
  }
}

async function measureOnce(request: MeasureRequest): Promise<void> {
  let stopped = false;
  const ended = makeDryRun(request, () => stopped);
  const own: Measuring = { id: request.id, stop: () => void (stopped = true), ended };
  measuring ??= own;
  await ended;
  if (measuring === own) measuring = null;
}

async function fail(run: LiveRun, error: unknown): Promise<void> {
  const record = toErrorRecord(error);
  const { id, reporter, begun } = run;
  if (begun) await updateRun(id, { state: 'failed' }).catch(() => undefined);
  // Last: whoever hears of the end may start the next run at once.
  if (!reporter) return tellRefusal(id, record);
  reporter.emit({ type: 'error', error: record });
  announce(run, 'failed');
}

/** The end of a run that has no log: the page still has to hear of it. */
function tellRefusal(runId: string, error: ErrorRecord): void {
  const common = { runId, seq: 0, time: Date.now() };
  post({ type: 'event', event: { type: 'error', error, ...common } });
  post({ type: 'event', event: { type: 'state', state: 'failed', stage: null, ...common, seq: 1 } });
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

scope.onmessage = ({ data }: MessageEvent<TrainerRequest>) => {
  switch (data.type) {
    case 'connectEncoder':
      encoder = createEncoderClient(data.port, () => post({ type: 'encoderGone', id: data.id }));
      return;
    case 'encoderLost':
      encoder?.fail(fromErrorRecord(data.error));
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
    case 'measure':
      void measureOnce(data);
      return;
    case 'stopMeasure':
      if (measuring?.id === data.id) measuring.stop();
      return;
    case 'pause':
      return live?.control.pause();
    case 'resume':
      return live?.control.resume();
    case 'stop':
      return live?.control.stop();
    default:
      data satisfies never;
  }
};
