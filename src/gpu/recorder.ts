// Records commands in order and submits them in parts. Nothing is overtaken: so buffers may be given back and taken
// again while recording.

import { LorikeetError } from '../base/errors';
import { LARGE_BYTES, type BufferPool } from './bufferPool';
import type { AdapterClass } from './device';
import { foldGrid } from './grid';
import type { Ledger, PoolOwner } from './memory';
import type { Kernel, PipelineCache } from './pipelines';
import { createReader, type Readable } from './readback';
import type { Specialisation } from './shaderAssembly';
import { createStaging } from './staging';
import { createSubmitter, type Command, type SubmissionCounts } from './submitter';
import { elementCount, type DType, type PerTensor, type Tensor } from './tensor';

export interface Dispatch {
  spec?: Specialisation['spec'];
  imports?: Specialisation['imports'];
  /** By the shader's names; every storage binding must be given and none besides. */
  bindings: Record<string, Tensor>;
  /** By the field names of `struct Params`. */
  uniforms?: Record<string, number>;
  /** Workgroups: x alone, or columns and rows. One dimension too long is folded into the next (`foldGrid`). */
  grid: readonly [number, number?];
  /** Estimated floating point operations; decides where recordings are cut into submissions. */
  flops: number;
}

/** Tensors that live and die together. */
export interface Scope {
  /** @param owner whose bytes they are; left out: the scope's */
  tensor(shape: readonly number[], dtype?: DType, owner?: PoolOwner): Tensor;
  /** A tensor with the given content. */
  upload(data: Float32Array | Uint32Array | Int32Array, shape?: readonly number[]): Tensor;
  /** Gives every buffer back; commands recorded before keep their meaning. */
  release(): void;
}

export interface Recorder {
  /** Which kernel variants ops choose. */
  readonly variant: AdapterClass;
  /** Subgroups are four invocations: software kernels share their loads. */
  readonly quads: boolean;
  /** Estimated FLOPs that one submission may have; an op whose dispatch alone has more is cut by rows. */
  readonly flopBudget: number;
  dispatch(kernel: Kernel, dispatch: Dispatch): void;
  /** Copies the leading elements of `from` (all of them by default); offsets in elements. */
  copy(from: Tensor, to: Tensor, options?: { count?: number; fromOffset?: number; toOffset?: number }): void;
  /** Sets all elements to zero. */
  clear(tensor: Tensor): void;
  /**
   * Writes data at an element offset. More than `UPLOAD_BYTES` are read when they are submitted, not now: leave them as
   * they are until then.
   */
  upload(tensor: Tensor, data: Float32Array | Uint32Array | Int32Array, offset?: number): void;
  /** @param owner whose bytes its tensors are; left out: workspace */
  scope(owner?: PoolOwner): Scope;
  /** Frees a tensor that lives outside scopes once what is recorded has been submitted. @throws gpu.freedTwice */
  free(tensor: Tensor): void;
  /**
   * Says that work of this shape begins (its kind, and the sizes that its large tensors go by). Large buffers that work
   * of another shape has left are freed first: what is in use and what is idle are never both at their most.
   * @throws as `submit`
   */
  begin(shape: string): Promise<void>;
  /**
   * Waits until no more than a few parts are recorded ahead of the GPU. Whoever records much calls it between layers.
   * @throws as `submit`
   */
  room(): Promise<void>;
  /**
   * Submits everything recorded so far and empties the recorder.
   * @throws shader.compile, gpu.*, what the gate throws: the part that failed and those behind it were not done; the
   * recorder can still be used
   */
  submit(): Promise<void>;
  /**
   * Reads tensors back after everything recorded so far, one buffer for each; submits. What has many bytes comes in
   * pieces: nothing may change it meanwhile. Throws as `submit`, and when the device is gone.
   */
  read<T extends readonly Readable[]>(...tensors: T): Promise<PerTensor<T, ArrayBuffer>>;
  /** As `read`, but past everything that is recorded and waits, and past the gate: what the GPU has been given so far. */
  readSubmitted<T extends readonly Readable[]>(...tensors: T): Promise<PerTensor<T, ArrayBuffer>>;
  /**
   * Forgets what is recorded and not submitted, and gives the buffers of all open scopes back: for a step that failed
   * half-way. Whoever opened those scopes must not use them again.
   */
  discard(): void;
  /** Frees idle buffers and staging memory once what is recorded has been submitted. */
  trim(): void;
  /**
   * Sets how fast the device is: the budget is then what it does in `SUBMISSION_SECONDS`.
   * @throws gpu.rate for what is no positive finite number
   */
  setRate(flopsPerSecond: number): void;
  /** Called before every submission that computes: waits while paused, throws when the run is to end. */
  setGate(gate: (() => Promise<void> | void) | undefined): void;
  counts(): SubmissionCounts;
}

export interface RecorderOptions {
  variant: AdapterClass;
  quads: boolean;
  /** A CPU plays the GPU: nothing else waits for it, and a submission may last as long as a layer does. */
  software: boolean;
  /** Fill every released buffer with NaN, and refuse freed ones. */
  debug?: boolean;
  /** Fixed, for tests; left out: `FIRST_BUDGET`, then by `setRate`. */
  flopBudget?: number;
  /** Workgroups in one dimension, for tests; left out: the device's limit. */
  maxGroups?: number;
}

/** Before the device's rate is known. */
const FIRST_BUDGET = 50e9;
/** What a submission should last: Windows resets a GPU that is busy for 2 s. */
const SUBMISSION_SECONDS = { gpu: 0.3, software: 4 };
/** Never less than this: a submission costs too. */
const LEAST_BUDGET = 1e9;
/** Bytes of one part's uploads; larger ones are written past the staging area, in pieces of this size. */
const UPLOAD_BYTES = 16 * 2 ** 20;

/** @param pool where scopes take their buffers from */
export function createRecorder(
  device: GPUDevice,
  pipelines: PipelineCache,
  { pool, ledger }: { pool: BufferPool; ledger: Ledger },
  options: RecorderOptions,
): Recorder {
  const submitter = createSubmitter(device, ledger);
  const uploads = createStaging();
  const maxGroups = options.maxGroups ?? device.limits.maxComputeWorkgroupsPerDimension;
  let budget = options.flopBudget ?? FIRST_BUDGET;
  let commands: Command[] = [];
  let flops = 0;
  /** Of the work under way. */
  let shape = '';
  let nan: GPUBuffer | undefined;

  /** Ends the part under way. */
  const cut = (): void => {
    const part = { commands, uploads: uploads.take().slice(), flops };
    commands = [];
    flops = 0;
    submitter.enqueue(part);
  };
  const submit = (): Promise<void> => {
    cut();
    return submitter.settled();
  };
  const retire = (buffer: GPUBuffer): void => {
    ledger.release(buffer);
    commands.push({ type: 'destroy', buffer });
  };
  const live = (buffer: GPUBuffer, what: string): GPUBuffer => {
    if (options.debug) ledger.assertLive(buffer, what);
    return buffer;
  };

  const poison = (buffer: GPUBuffer) => {
    if (!nan || nan.size < buffer.size) {
      if (nan) retire(nan);
      nan = ledger.create('debug', { size: buffer.size, usage: GPUBufferUsage.COPY_SRC, mappedAtCreation: true });
      new Uint32Array(nan.getMappedRange()).fill(0x7fc00000);
      nan.unmap();
    }
    commands.push({ type: 'copy', from: nan, fromByte: 0, to: buffer, toByte: 0, bytes: buffer.size });
  };

  /** Buffers of every scope that is not released. */
  const open = new Set<GPUBuffer[]>();
  const giveBack = (held: GPUBuffer[]): void => {
    open.delete(held);
    for (const buffer of held.splice(0)) {
      if (options.debug) poison(buffer);
      pool.give(buffer);
    }
  };

  const upload: Recorder['upload'] = (tensor, data, offset = 0) => {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const to = live(tensor.buffer, 'upload');
    if (bytes.length > UPLOAD_BYTES) {
      for (let at = 0; at < bytes.length; at += UPLOAD_BYTES) {
        const piece = bytes.subarray(at, at + UPLOAD_BYTES);
        commands.push({ type: 'write', bytes: piece, to, toByte: offset * 4 + at });
      }
      return;
    }
    if (bytes.length === 0) return;
    if (uploads.used() + bytes.length > UPLOAD_BYTES) cut();
    const fromByte = uploads.add(bytes, 4);
    commands.push({ type: 'upload', fromByte, to, toByte: offset * 4, bytes: bytes.length });
  };

  const scope = (owner: PoolOwner = 'workspace'): Scope => {
    const held: GPUBuffer[] = [];
    open.add(held);
    const tensor: Scope['tensor'] = (shape, dtype = 'f32', of = owner) => {
      const buffer = pool.take(Math.max(4, elementCount(shape) * 4), of);
      held.push(buffer);
      return { buffer, shape, dtype };
    };
    return {
      tensor,
      upload(data, shape = [data.length]) {
        const dtype = data instanceof Float32Array ? 'f32' : data instanceof Uint32Array ? 'u32' : 'i32';
        const out = tensor(shape, dtype);
        upload(out, data);
        return out;
      },
      release: () => giveBack(held),
    };
  };

  const reader = createReader(ledger);

  return {
    variant: options.variant,
    quads: options.quads,
    get flopBudget() {
      return budget;
    },
    dispatch(kernel, { spec, imports, bindings, uniforms = {}, grid, flops: own }) {
      const folded = foldGrid(kernel.name, grid, maxGroups);
      if (!folded) return;
      for (const [name, { buffer }] of Object.entries(bindings)) live(buffer, `${kernel.name}: ${name}`);
      if (flops > 0 && flops + own > budget) cut();
      flops += own;
      commands.push({
        type: 'dispatch',
        kernel: pipelines.get(kernel, { spec, imports }),
        bindings,
        uniforms,
        grid: folded,
      });
    },
    copy(from, to, { count, fromOffset = 0, toOffset = 0 } = {}) {
      const bytes = (count ?? elementCount(from.shape)) * 4;
      if (bytes === 0) return;
      commands.push({
        type: 'copy',
        from: live(from.buffer, 'copy: from'),
        fromByte: fromOffset * 4,
        to: live(to.buffer, 'copy: to'),
        toByte: toOffset * 4,
        bytes,
      });
    },
    clear(tensor) {
      const bytes = elementCount(tensor.shape) * 4;
      if (bytes) commands.push({ type: 'clear', buffer: live(tensor.buffer, 'clear'), bytes });
    },
    upload,
    scope,
    free: ({ buffer }) => retire(buffer),
    async begin(next) {
      if (next === shape) return;
      shape = next;
      const left = pool.trim(LARGE_BYTES);
      if (left.length === 0) return;
      left.forEach(retire);
      await submit();
    },
    room: () => submitter.room(),
    submit,
    read: (...tensors) => {
      for (const { buffer } of tensors) live(buffer, 'read');
      return reader(tensors, (copies) => {
        commands.push(...copies);
        return submit();
      });
    },
    readSubmitted: (...tensors) =>
      reader(tensors, (copies) => {
        const encoder = device.createCommandEncoder();
        for (const c of copies) encoder.copyBufferToBuffer(c.from, c.fromByte, c.to, c.toByte, c.bytes);
        device.queue.submit([encoder.finish()]);
        return Promise.resolve();
      }),
    discard() {
      commands = commands.filter(({ type }) => type === 'destroy');
      uploads.take();
      flops = 0;
      open.forEach(giveBack);
    },
    trim() {
      pool.trim(0).forEach(retire);
      cut();
      submitter.shrink();
      uploads.shrink();
    },
    setRate(flopsPerSecond) {
      if (!Number.isFinite(flopsPerSecond) || flopsPerSecond <= 0)
        throw new LorikeetError('gpu.rate', `The device does ${flopsPerSecond} FLOPs a second.`);
      const seconds = SUBMISSION_SECONDS[options.software ? 'software' : 'gpu'];
      budget = options.flopBudget ?? Math.max(LEAST_BUDGET, flopsPerSecond * seconds);
    },
    setGate(gate) {
      submitter.gate = gate;
    },
    counts: submitter.counts,
  };
}
