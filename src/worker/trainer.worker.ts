// The trainer worker: owns the GPU device, runs one run at a time, answers pause, resume and stop.

import { toErrorRecord } from '../base/errors';
import { requestDevice } from '../gpu/device';
import type { AdapterInfo, RunState, StartRequest, TrainerMessage, TrainerRequest } from '../protocol/messages';
import { appendEvents, createRun, updateRun } from '../storage/runs';
import { loadDataset } from '../storage/datasets';
import { StopRequested, type Control } from '../train/control';
import { createEncoderClient, type EncoderClient } from './encoderClient';
import { createRunReporter, type RunReporter } from './runReporter';
import { runTraining } from './runTraining';

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
const control: Control = {
  async boundary() {
    if (current.wish === 'pause') {
      announce('paused');
      await new Promise<void>((resolve) => (current.wake = resolve));
      current.wake = undefined;
      announce('running');
    }
    if (current.wish === 'stop') throw new StopRequested();
  },
};

async function start(request: StartRequest): Promise<void> {
  if (current.running || !encoder) return;
  Object.assign(current, { running: true, wish: 'run', reporter: undefined });
  try {
    const { info } = await loadDataset(request.datasetId);
    await createRun({
      id: request.runId,
      createdAt: Date.now(),
      seed: request.seed,
      datasetId: request.datasetId,
      datasetName: info.name,
      modelName: request.model.kind === 'bundled' ? 'demo' : 'folder',
      recipe: request.recipe,
      state: 'running',
    });
    const summary = await runTraining(request, {
      encoder,
      control,
      createReporter: (eta) =>
        createRunReporter(
          request.runId,
          (events) => appendEvents(request.runId, events),
          (event) => post({ type: 'event', event }),
          eta,
        ),
      onReporter: (made) => (current.reporter = made),
    });
    announce('finished');
    current.reporter?.emit({ type: 'finished', summary });
  } catch (error) {
    await fail(request, error);
  } finally {
    current.running = false;
  }
}

async function fail(request: StartRequest, error: unknown): Promise<void> {
  const record = toErrorRecord(error);
  const { reporter } = current;
  if (!reporter) {
    // Failed before the run had a log: the page still has to hear of it.
    const common = { runId: request.runId, seq: 0, time: Date.now() };
    post({ type: 'event', event: { type: 'error', error: record, ...common } });
    post({ type: 'event', event: { type: 'state', state: 'failed', stage: null, ...common, seq: 1 } });
    return;
  }
  reporter.emit({ type: 'error', error: record });
  announce('failed');
  await reporter.settled();
  await updateRun(request.runId, { state: 'failed' }).catch(() => undefined);
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
