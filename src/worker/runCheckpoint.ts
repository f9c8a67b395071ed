// A run between two optimizer steps as a checkpoint, and back. Everything that decides the rest of the run is in it;
// what it must fit (base model, rows, kernels) is named by fingerprints.

import { readDecisions, type Decisions } from '../budgets/decisions';
import { readPieces, sourceOf, type FloatSource } from '../base/floatSource';
import type { CheckpointStream } from '../formats/checkpointStream';
import { check, LorikeetError } from '../base/errors';
import type { ImageProcessor } from '../image/processorConfig';
import type { RunSummary, Stage } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import type { Rollout } from '../train/rolloutTypes';
import { newStage, type StageState } from '../train/stageState';
import type { RunProgress } from './runProgress';

/** What a run was started with, as far as going on needs it. */
export interface RunSetup {
  seed: number;
  datasetId: string;
  modelName: string;
  /** The LoRA part is the adapter's, which may have been imported. */
  recipe: Recipe;
  /** What the run decided from the memory it began with: some of it changes the order of additions. */
  decisions: Decisions;
}

/** As noted in a checkpoint; older versions did not note the decisions. */
type NotedSetup = Omit<RunSetup, 'decisions'> & Partial<Pick<RunSetup, 'decisions'>>;

/** What a checkpoint must find again to go on. */
export interface RunFingerprints {
  base: string;
  rows: string;
  /** Kernels in use; another value only costs the equality of the last bits. */
  kernels: string;
  /** What pictures are scaled by: few values, kept whole so that what differs can be named. */
  processor: ImageProcessor;
}

/** As noted in a checkpoint; older versions did not note the processor. */
type NotedFingerprints = Omit<RunFingerprints, 'processor'> & Partial<Pick<RunFingerprints, 'processor'>>;

/** What older versions would have noted of the files that a run goes on with; asked only where a checkpoint needs it. */
export interface OlderNotes {
  /** In place of `base`. */
  base(): Promise<string>;
  /** In place of `processor`, which they did not note. */
  processor(): Promise<ImageProcessor>;
  /** The name of the file that this version takes the processor from. */
  processorFile(): Promise<string>;
}

/** The files that a run goes on with. */
export interface FoundFiles {
  fingerprints: RunFingerprints;
  older: OlderNotes;
}

/** The adapter and its optimizer, in the flat layout. */
export interface AdapterTensors {
  weight: FloatSource;
  moment1: FloatSource;
  moment2: FloatSource;
}

export interface RunCheckpoint {
  setup: NotedSetup;
  fingerprints: NotedFingerprints;
  progress: RunProgress;
  adapter: AdapterTensors;
}

/** A rollout as JSON; its per-token values are tensors beside it. */
type RolloutRecord = Omit<Rollout, 'advantages' | 'slices' | 'old' | 'ref'> & {
  advantages: number[];
  slices: number[][];
};

type StageRecord = Omit<StageState, 'bestWeights' | 'referenceWeights' | 'rollout'> & { rollout: RolloutRecord | null };

interface RunStateRecord {
  setup: NotedSetup;
  fingerprints: NotedFingerprints;
  stage: Stage;
  round: number;
  summary: RunSummary;
  state: StageRecord;
}

function concatenated(rows: readonly Float64Array[]): Float32Array {
  // The values came from the GPU as f32: nothing is lost.
  return Float32Array.from(rows.flatMap((row) => Array.from(row)));
}

/** Cuts per-token values back into the completions' rows. */
function perCompletion(values: Float32Array | undefined, { completions }: RolloutRecord): Float64Array[] | null {
  if (!values) return null;
  let start = 0;
  return completions.flat().map(({ ids }) => Float64Array.from(values.subarray(start, (start += ids.length))));
}

/** NaN (a reward without a value) has no JSON form: null stands for it. */
function jsonOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function rolloutRecord(rollout: Rollout): RolloutRecord {
  const { index, rows, completions, texts, rewards } = rollout;
  const slices = rollout.slices.map((slice) => Array.from(slice));
  return jsonOf({ index, rows, completions, texts, rewards, advantages: Array.from(rollout.advantages), slices });
}

/** Tensors of a stage that are there. */
function stageTensors({ bestWeights, referenceWeights, rollout }: StageState): [string, FloatSource][] {
  const all: [string, Parameters<typeof sourceOf>[0] | null | undefined][] = [
    ['best.weight', bestWeights],
    ['reference.weight', referenceWeights],
    ['rollout.old', rollout?.old && concatenated(rollout.old)],
    ['rollout.ref', rollout?.ref && concatenated(rollout.ref)],
  ];
  return all.flatMap(([name, values]): [string, FloatSource][] => (values ? [[name, sourceOf(values)]] : []));
}

/** The checkpoint of a run; the adapter is read when the checkpoint is written. */
export function toCheckpoint({ setup, fingerprints, progress, adapter }: RunCheckpoint): CheckpointStream {
  const { stage, round, summary, state } = progress;
  const { step, numTokens, evaluationDue, evaluations, best, badEvaluations, rollout } = state;
  const record: RunStateRecord = {
    setup,
    fingerprints,
    stage,
    round,
    summary: jsonOf(summary),
    state: {
      ...{ step, numTokens, evaluationDue, evaluations, best, badEvaluations },
      rollout: rollout && rolloutRecord(rollout),
    },
  };
  const tensors = new Map<string, FloatSource>([
    ['adapter.weight', adapter.weight],
    ['adapter.moment1', adapter.moment1],
    ['adapter.moment2', adapter.moment2],
    ...stageTensors(state),
  ]);
  return { state: { ...record }, tensors };
}

function tensorOf(checkpoint: CheckpointStream, name: string): FloatSource {
  const values = checkpoint.tensors.get(name);
  check(values, 'checkpoint.broken', `The checkpoint has no tensor ${name}.`, 'Use another checkpoint.');
  return values;
}

async function readStage(record: StageRecord, tensors: CheckpointStream['tensors']): Promise<StageState> {
  const { rollout, ...rest } = record;
  const pieces = (name: string) => {
    const source = tensors.get(name);
    return source ? readPieces(source) : null;
  };
  const whole = (name: string) => {
    const source = tensors.get(name);
    return source?.read(0, source.length);
  };
  return {
    ...newStage(),
    ...rest,
    bestWeights: await pieces('best.weight'),
    referenceWeights: await pieces('reference.weight'),
    rollout: rollout && {
      ...rollout,
      advantages: Float64Array.from(rollout.advantages),
      slices: rollout.slices.map((slice) => Uint32Array.from(slice)),
      old: perCompletion(await whole('rollout.old'), rollout),
      ref: perCompletion(await whole('rollout.ref'), rollout),
    },
  };
}

/** The run of a checkpoint; the adapter is read later. @throws checkpoint.broken when a part is missing or no decision of a run, file.read */
export async function fromCheckpoint(checkpoint: CheckpointStream): Promise<RunCheckpoint> {
  const record = checkpoint.state as unknown as RunStateRecord;
  for (const part of ['setup', 'fingerprints', 'stage', 'round', 'summary', 'state'] as const) {
    check(record[part] !== undefined, 'checkpoint.broken', `The checkpoint says nothing of the run's ${part}.`);
  }
  const { decisions } = record.setup;
  return {
    // An imported run's are foreign data.
    setup: decisions ? { ...record.setup, decisions: readDecisions(decisions) } : record.setup,
    fingerprints: record.fingerprints,
    progress: {
      stage: record.stage,
      round: record.round,
      summary: record.summary,
      state: await readStage(record.state, checkpoint.tensors),
    },
    adapter: {
      weight: tensorOf(checkpoint, 'adapter.weight'),
      moment1: tensorOf(checkpoint, 'adapter.moment1'),
      moment2: tensorOf(checkpoint, 'adapter.moment2'),
    },
  };
}

async function checkBase({ fingerprints: then, setup }: RunCheckpoint, { fingerprints, older }: FoundFiles) {
  if (then.base === fingerprints.base || then.base === (await older.base())) return;
  throw new LorikeetError(
    'checkpoint.base',
    `The run was trained on the base model "${setup.modelName}" with fingerprint ${then.base.slice(0, 12)}; the ` +
      `chosen model has ${fingerprints.base.slice(0, 12)}.`,
    'Choose the model that the run began with. The checkpoint is kept.',
  );
}

/** Other values would cut the same pictures into other tokens. */
async function checkProcessor({ fingerprints: then }: RunCheckpoint, { fingerprints, older }: FoundFiles) {
  const now = fingerprints.processor;
  const used = then.processor ?? (await older.processor());
  const text = (values: ImageProcessor, key: keyof ImageProcessor) => `"${key}": ${JSON.stringify(values[key])}`;
  const keys = (Object.keys(now) as (keyof ImageProcessor)[]).filter((key) => text(now, key) !== text(used, key));
  const list = (values: ImageProcessor) => keys.map((key) => text(values, key)).join(', ');
  if (keys.length === 0) return;
  const file = await older.processorFile();
  throw new LorikeetError(
    'checkpoint.base',
    `The run scaled its pictures by ${list(used)}; the chosen model's ${file} gives ${list(now)}.`,
    `Write ${list(used)} into ${file} in the model's folder, choose it again and resume. The checkpoint is kept.`,
  );
}

/**
 * Holds a checkpoint against what was loaded to go on with.
 * @returns a remark when the run can go on but not to the bit
 * @throws checkpoint.base, checkpoint.dataset
 */
export async function checkFingerprints(checkpoint: RunCheckpoint, found: FoundFiles): Promise<string | null> {
  const { fingerprints: then } = checkpoint;
  const now = found.fingerprints;
  await checkBase(checkpoint, found);
  await checkProcessor(checkpoint, found);
  if (then.rows !== now.rows) {
    throw new LorikeetError(
      'checkpoint.dataset',
      `The run was trained on other rows (fingerprint ${then.rows.slice(0, 12)}, found ${now.rows.slice(0, 12)}).`,
      'Import the data that the run began with. The checkpoint is kept.',
    );
  }
  if (then.kernels === now.kernels) return null;
  return 'The checkpoint was made by other kernels (another version or kind of GPU): the run goes on, but its numbers may differ in the last bits from an uninterrupted run.';
}
