// Hands recorded parts to the GPU one after the other: compiles, uploads, encodes, submits, and keeps at most two
// parts under way, so that somebody may pause or stop between them and nothing piles up in the browser's GPU process.

import { LorikeetError } from '../base/errors';
import { createBindGroups } from './bindGroups';
import type { Ledger } from './memory';
import type { CompiledKernel } from './pipelines';
import { createStaging, growable } from './staging';
import type { Tensor } from './tensor';

/** One recorded command. */
export type Command =
  | {
      type: 'dispatch';
      kernel: CompiledKernel | Promise<CompiledKernel>;
      bindings: Record<string, Tensor>;
      uniforms: Record<string, number>;
      grid: readonly [number, number, number];
    }
  | { type: 'copy'; from: GPUBuffer; fromByte: number; to: GPUBuffer; toByte: number; bytes: number }
  /** From the part's own uploads. */
  | { type: 'upload'; fromByte: number; to: GPUBuffer; toByte: number; bytes: number }
  /** Written past the staging area: for what is too large to be copied there. */
  | { type: 'write'; bytes: Uint8Array<ArrayBuffer>; to: GPUBuffer; toByte: number }
  | { type: 'clear'; buffer: GPUBuffer; bytes: number }
  /** Frees a buffer that no later command uses. */
  | { type: 'destroy'; buffer: GPUBuffer };

/** What is submitted at once. */
export interface Part {
  commands: Command[];
  uploads: Uint8Array<ArrayBuffer>;
  /** Estimate. */
  flops: number;
}

/** Counts since the device was opened. */
export interface SubmissionCounts {
  dispatches: number;
  submissions: number;
  flops: number;
  /** The estimate of the largest submission. */
  largestFlops: number;
}

export interface Submitter {
  /**
   * Puts a part at the end of the line. Parts behind one that fails fail with it, until `settled` has told so.
   * An empty part is none.
   */
  enqueue(part: Part): void;
  /** Resolves when every part so far has been submitted. @throws what made one fail; the line then begins anew */
  settled(): Promise<void>;
  /** Resolves when all parts but the newest have been submitted. @throws as `settled` */
  room(): Promise<void>;
  counts(): SubmissionCounts;
  /**
   * Called before every submission that computes something; waits, or throws so that the part and those behind it are
   * not submitted.
   */
  gate: (() => Promise<void> | void) | undefined;
  /** Gives staging memory up that large uploads have left. */
  shrink(): void;
}

const UNIFORM_ALIGNMENT = 256;
const IN_FLIGHT = 2;

function packUniforms(kernel: CompiledKernel, values: Record<string, number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(kernel.uniformBytes));
  kernel.shader.uniforms.forEach(({ name, type }, i) => {
    const value = values[name];
    if (value === undefined) throw new LorikeetError('gpu.uniform', `${kernel.label}: uniform ${name} is missing`);
    if (type === 'f32') view.setFloat32(i * 4, value, true);
    else view.setUint32(i * 4, value >>> 0, true);
  });
  return new Uint8Array(view.buffer);
}

/** Encodes commands between two direct writes. */
function createEncoding(device: GPUDevice) {
  const bindGroup = createBindGroups(device);
  let encoder: GPUCommandEncoder | undefined;
  let pass: GPUComputePassEncoder | undefined;
  const open = (): GPUCommandEncoder => {
    pass?.end();
    pass = undefined;
    return (encoder ??= device.createCommandEncoder());
  };
  return {
    dispatch(kernel: CompiledKernel, command: Command & { type: 'dispatch' }, uniform: GPUBuffer, offset: number) {
      const group = bindGroup(kernel, command.bindings, uniform);
      pass ??= open().beginComputePass();
      pass.setPipeline(kernel.pipeline);
      pass.setBindGroup(0, group, kernel.uniformBytes ? [offset] : []);
      pass.dispatchWorkgroups(...command.grid);
    },
    copy(from: GPUBuffer, { fromByte, to, toByte, bytes }: Command & { type: 'copy' | 'upload' }) {
      open().copyBufferToBuffer(from, fromByte, to, toByte, bytes);
    },
    clear({ buffer, bytes }: Command & { type: 'clear' }) {
      open().clearBuffer(buffer, 0, bytes);
    },
    /** What was encoded since the last one; undefined: nothing. */
    finish(): GPUCommandBuffer | undefined {
      pass?.end();
      const out = encoder?.finish();
      pass = undefined;
      encoder = undefined;
      return out;
    },
  };
}

/** A line of parts for one device. */
export function createSubmitter(device: GPUDevice, ledger: Ledger): Submitter {
  const uniformBuffer = growable(ledger, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, 'uniforms');
  const uploadBuffer = growable(ledger, GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST, 'uploads');
  const uniforms = createStaging();
  const encoding = createEncoding(device);
  const counts: SubmissionCounts = { dispatches: 0, submissions: 0, flops: 0, largestFlops: 0 };
  const inFlight: Promise<unknown>[] = [];
  let tail: Promise<void> = Promise.resolve();
  /** The end of the line before its newest part. */
  let beforeTail = tail;

  /** Compiled kernels and uniform offsets of the part's dispatches, in their order. */
  const prepare = async (part: Part) => {
    const kernels: CompiledKernel[] = [];
    const dispatches = part.commands.filter((command) => command.type === 'dispatch');
    for (const { kernel } of dispatches) kernels.push(kernel instanceof Promise ? await kernel : kernel);
    const offsets = dispatches.map((dispatch, i) =>
      kernels[i]!.uniformBytes ? uniforms.add(packUniforms(kernels[i]!, dispatch.uniforms), UNIFORM_ALIGNMENT) : 0,
    );
    return { kernels, offsets, packed: uniforms.take() };
  };

  const submit = (): void => {
    const buffer = encoding.finish();
    if (!buffer) return;
    device.queue.submit([buffer]);
    counts.submissions++;
  };

  const execute = (part: Part, { kernels, offsets, packed }: Awaited<ReturnType<typeof prepare>>): void => {
    const uniform = uniformBuffer(packed.length + UNIFORM_ALIGNMENT);
    if (packed.length) device.queue.writeBuffer(uniform, 0, packed as Uint8Array<ArrayBuffer>);
    const uploads = uploadBuffer(Math.max(4, part.uploads.length));
    if (part.uploads.length) device.queue.writeBuffer(uploads, 0, part.uploads);
    let k = 0;
    for (const command of part.commands) {
      switch (command.type) {
        case 'dispatch':
          encoding.dispatch(kernels[k]!, command, uniform, offsets[k]!);
          k++;
          break;
        case 'copy':
          encoding.copy(command.from, command);
          break;
        case 'upload':
          encoding.copy(uploads, command);
          break;
        case 'write':
          submit();
          device.queue.writeBuffer(command.to, command.toByte, command.bytes);
          break;
        case 'clear':
          encoding.clear(command);
          break;
        case 'destroy':
          break; // after the submission
        default:
          command satisfies never;
      }
    }
    submit();
    counts.dispatches += kernels.length;
    counts.flops += part.flops;
    counts.largestFlops = Math.max(counts.largestFlops, part.flops);
  };

  const destroyFreed = ({ commands }: Part): void => {
    for (const command of commands) if (command.type === 'destroy') ledger.destroy(command.buffer);
  };

  const run = async (part: Part): Promise<void> => {
    try {
      const prepared = await prepare(part);
      if (part.flops > 0) await submitter.gate?.();
      while (inFlight.length >= IN_FLIGHT) await inFlight.shift();
      execute(part, prepared);
      // A lost device is noticed where results are read.
      inFlight.push(device.queue.onSubmittedWorkDone().catch(() => undefined));
    } finally {
      uniforms.take();
      encoding.finish();
      destroyFreed(part);
    }
  };

  const submitter: Submitter = {
    gate: undefined,
    // One after the other: a part that waits for a compilation must not be overtaken by a later one.
    enqueue(part) {
      if (part.commands.length === 0) return;
      beforeTail = tail;
      const skip = (error: unknown): never => {
        destroyFreed(part);
        throw error;
      };
      tail = tail.then(() => run(part), skip);
      // Told by `settled`; until then it must not count as unhandled.
      tail.catch(() => undefined);
    },
    settled() {
      const own = tail;
      own.catch(() => {
        if (tail === own) beforeTail = tail = Promise.resolve();
      });
      return own;
    },
    room: () => beforeTail.catch(() => submitter.settled()),
    counts: () => ({ ...counts }),
    shrink() {
      uniformBuffer.shrink();
      uploadBuffer.shrink();
      uniforms.shrink();
    },
  };
  return submitter;
}
