// Records commands in order and submits them together. Nothing runs, and nothing is uploaded, before `submit`:
// so buffers may be given back and taken again while recording.

import { LorikeetError } from '../base/errors';
import { createBindGroups } from './bindGroups';
import type { BufferPool } from './bufferPool';
import type { AdapterClass } from './device';
import type { CompiledKernel, Kernel, PipelineCache } from './pipelines';
import type { Specialisation } from './shaderAssembly';
import { createStaging, growable } from './staging';
import { elementCount, perTensor, type DType, type PerTensor, type Tensor } from './tensor';

export interface Dispatch {
  spec?: Specialisation['spec'];
  imports?: Specialisation['imports'];
  /** By the shader's names; every storage binding must be given and none besides. */
  bindings: Record<string, Tensor>;
  /** By the field names of `struct Params`. */
  uniforms?: Record<string, number>;
  /** Workgroups; each at most 65,535. */
  grid: readonly [number, number?, number?];
}

/** Tensors that live and die together. */
export interface Scope {
  tensor(shape: readonly number[], dtype?: DType): Tensor;
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
  dispatch(kernel: Kernel, dispatch: Dispatch): void;
  /** Copies the leading elements of `from` (all of them by default); offsets in elements. */
  copy(from: Tensor, to: Tensor, options?: { count?: number; fromOffset?: number; toOffset?: number }): void;
  /** Sets all elements to zero. */
  clear(tensor: Tensor): void;
  /** Writes data at an element offset. */
  upload(tensor: Tensor, data: Float32Array | Uint32Array | Int32Array, offset?: number): void;
  scope(): Scope;
  /**
   * Compiles what is new, submits everything recorded so far and empties the recorder.
   * @throws shader.compile, gpu.*: nothing of this submission was done; the recorder can still be used
   */
  submit(): Promise<void>;
  /**
   * Reads tensors back after everything recorded so far, one buffer for each; submits. Throws as `submit`, and when the
   * device is gone.
   */
  read<T extends readonly Tensor[]>(...tensors: T): Promise<PerTensor<T, ArrayBuffer>>;
}

type Command =
  | { type: 'dispatch'; kernel: CompiledKernel | Promise<CompiledKernel>; dispatch: Dispatch }
  | { type: 'copy'; from: GPUBuffer; fromByte: number; to: GPUBuffer; toByte: number; bytes: number }
  | { type: 'clear'; buffer: GPUBuffer; bytes: number };

const UNIFORM_ALIGNMENT = 256;

export interface RecorderOptions {
  variant: AdapterClass;
  quads: boolean;
  /** Fill every released buffer with NaN. */
  debug?: boolean;
}

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

/** @param pool where scopes take their buffers from */
export function createRecorder(
  device: GPUDevice,
  pipelines: PipelineCache,
  pool: BufferPool,
  options: RecorderOptions,
): Recorder {
  const uniformBuffer = growable(device, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, 'uniforms');
  const uploadBuffer = growable(device, GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST, 'uploads');
  const uniforms = createStaging();
  const uploads = createStaging();
  const bindGroup = createBindGroups(device);
  const UPLOADS = {} as GPUBuffer; // stands for the upload buffer, which may still grow
  let commands: Command[] = [];
  let nan: GPUBuffer | undefined;

  const poison = (buffer: GPUBuffer) => {
    if (!nan || nan.size < buffer.size) {
      nan = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.COPY_SRC, mappedAtCreation: true });
      new Uint32Array(nan.getMappedRange()).fill(0x7fc00000);
      nan.unmap();
    }
    commands.push({ type: 'copy', from: nan, fromByte: 0, to: buffer, toByte: 0, bytes: buffer.size });
  };

  const upload: Recorder['upload'] = (tensor, data, offset = 0) => {
    if (data.length === 0) return;
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const fromByte = uploads.add(bytes, 4);
    commands.push({
      type: 'copy',
      from: UPLOADS,
      fromByte,
      to: tensor.buffer,
      toByte: offset * 4,
      bytes: bytes.length,
    });
  };

  const encode = (
    list: Command[],
    kernels: CompiledKernel[],
    offsets: number[],
    uniform: GPUBuffer,
    staged: GPUBuffer,
  ) => {
    const encoder = device.createCommandEncoder();
    let pass: GPUComputePassEncoder | undefined;
    let k = 0;
    for (const command of list) {
      if (command.type === 'dispatch') {
        pass ??= encoder.beginComputePass();
        const kernel = kernels[k]!;
        pass.setPipeline(kernel.pipeline);
        pass.setBindGroup(
          0,
          bindGroup(kernel, command.dispatch.bindings, uniform),
          kernel.uniformBytes ? [offsets[k]!] : [],
        );
        pass.dispatchWorkgroups(...(command.dispatch.grid as [number, number?, number?]));
        k++;
        continue;
      }
      pass?.end();
      pass = undefined;
      if (command.type === 'clear') encoder.clearBuffer(command.buffer, 0, command.bytes);
      else {
        const from = command.from === UPLOADS ? staged : command.from;
        encoder.copyBufferToBuffer(from, command.fromByte, command.to, command.toByte, command.bytes);
      }
    }
    pass?.end();
    return encoder.finish();
  };

  const run = async (list: Command[], staged: Uint8Array) => {
    const dispatches = list.filter((c) => c.type === 'dispatch');
    const kernels: CompiledKernel[] = [];
    for (const { kernel } of dispatches) kernels.push(kernel instanceof Promise ? await kernel : kernel);
    const offsets = dispatches.map(({ dispatch }, i) =>
      kernels[i]!.uniformBytes
        ? uniforms.add(packUniforms(kernels[i]!, dispatch.uniforms ?? {}), UNIFORM_ALIGNMENT)
        : 0,
    );
    const packed = uniforms.take();
    const uniform = uniformBuffer(packed.length + UNIFORM_ALIGNMENT);
    if (packed.length) device.queue.writeBuffer(uniform, 0, packed as Uint8Array<ArrayBuffer>);
    const stagedBuffer = uploadBuffer(Math.max(4, staged.length));
    if (staged.length) device.queue.writeBuffer(stagedBuffer, 0, staged as Uint8Array<ArrayBuffer>);
    if (list.length) device.queue.submit([encode(list, kernels, offsets, uniform, stagedBuffer)]);
  };

  // One after the other: a submission that waits for a compilation must not be overtaken by a later one. When one fails,
  // those that wait behind it fail with it, for they may build on it; then the recorder begins again, so that what was
  // done before can still be read back.
  let tail: Promise<void> = Promise.resolve();
  const submit = () => {
    const list = commands;
    commands = [];
    const staged = uploads.take().slice();
    const own = tail.then(() => run(list, staged));
    tail = own;
    own.catch(() => {
      if (tail !== own) return;
      uniforms.take();
      tail = Promise.resolve();
    });
    return own;
  };

  /** Contents of a buffer that waits to be mapped, cut into parts; the buffer is freed, whatever happens. */
  const mapParts = async <T extends readonly Tensor[]>(target: GPUBuffer, written: Promise<void>, tensors: T) => {
    try {
      await written;
      await target.mapAsync(GPUMapMode.READ);
      const mapped = target.getMappedRange();
      let at = 0;
      return perTensor(tensors, ({ shape }) => {
        const start = at;
        const size = elementCount(shape) * 4;
        at += Math.max(4, size);
        return mapped.slice(start, start + size);
      });
    } finally {
      target.destroy();
    }
  };

  return {
    variant: options.variant,
    quads: options.quads,
    dispatch(kernel, dispatch) {
      const [x, y = 1, z = 1] = dispatch.grid;
      if (x === 0 || y === 0 || z === 0) return;
      const compiled = pipelines.get(kernel, { spec: dispatch.spec, imports: dispatch.imports });
      commands.push({ type: 'dispatch', kernel: compiled, dispatch });
    },
    copy(from, to, { count, fromOffset = 0, toOffset = 0 } = {}) {
      const bytes = (count ?? elementCount(from.shape)) * 4;
      if (bytes === 0) return;
      commands.push({
        type: 'copy',
        from: from.buffer,
        fromByte: fromOffset * 4,
        to: to.buffer,
        toByte: toOffset * 4,
        bytes,
      });
    },
    clear(tensor) {
      const bytes = elementCount(tensor.shape) * 4;
      if (bytes) commands.push({ type: 'clear', buffer: tensor.buffer, bytes });
    },
    upload,
    scope() {
      const held: GPUBuffer[] = [];
      const tensor = (shape: readonly number[], dtype: DType = 'f32'): Tensor => {
        const buffer = pool.take(Math.max(4, elementCount(shape) * 4));
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
        release() {
          for (const buffer of held.splice(0)) {
            if (options.debug) poison(buffer);
            pool.give(buffer);
          }
        },
      };
    },
    submit,
    read(...tensors) {
      const bytes = tensors.map((t) => elementCount(t.shape) * 4);
      const sizes = bytes.map((size) => Math.max(4, size));
      const target = device.createBuffer({
        size: sizes.reduce((a, b) => a + b, 0),
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      let at = 0;
      tensors.forEach((tensor, i) => {
        commands.push({ type: 'copy', from: tensor.buffer, fromByte: 0, to: target, toByte: at, bytes: sizes[i]! });
        at += sizes[i]!;
      });
      return mapParts(target, submit(), tensors);
    },
  };
}
