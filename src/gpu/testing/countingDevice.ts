// A GPUDevice that computes nothing and counts everything: live bytes, freed twice, used after free, submissions, the
// largest copy between host and GPU. With it the real host code runs at any model's size in Node. For tests only.

import type { DeviceInfo } from '../device';

/** A buffer that holds no bytes. */
interface CountedBuffer {
  size: number;
  usage: number;
  destroyed: boolean;
  /** Copies that were submitted into it since it was last mapped; only of buffers to be read. */
  sources: Source[];
}

/** What a readback gets its numbers from. */
export interface Source {
  /** Of the buffer that is read. */
  size: number;
  fromByte: number;
  bytes: number;
  /** The kernel that was dispatched last before the copy. */
  lastKernel: string;
}

export interface CountingReport {
  liveBytes: number;
  peakBytes: number;
  liveBuffers: number;
  freedTwice: number;
  usedAfterFree: number;
  submissions: number;
  dispatches: number;
  /** Bytes of the largest write, mapping for writing, or mapping for reading. */
  largestHostCopy: number;
}

export interface CountingDevice {
  device: GPUDevice;
  info: DeviceInfo;
  report(): CountingReport;
  /** Dispatches so far of kernels whose label begins so. */
  dispatchesOf(kernel: string): number;
}

export interface CountingOptions {
  adapterClass: DeviceInfo['adapterClass'];
  maxBufferSize?: number;
  maxStorageBufferBindingSize?: number;
  /** The words that a readback finds, all of them alike unless it fills `words` itself; left out: zeros. */
  content?(source: Source, words: Uint32Array, device: CountingDevice): void;
}

/** WebGPU's flags, which Node does not have. */
export function defineGpuConstants(): void {
  const flags = {
    GPUBufferUsage: {
      ...{ MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, INDEX: 16, VERTEX: 32 },
      ...{ UNIFORM: 64, STORAGE: 128, INDIRECT: 256, QUERY_RESOLVE: 512 },
    },
    GPUMapMode: { READ: 1, WRITE: 2 },
    GPUShaderStage: { VERTEX: 1, FRAGMENT: 2, COMPUTE: 4 },
  };
  for (const [name, value] of Object.entries(flags)) (globalThis as Record<string, unknown>)[name] ??= value;
}

function limitsOf({ maxBufferSize = 2 ** 32, maxStorageBufferBindingSize = 2 ** 31 - 4 }: CountingOptions) {
  return { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension: 65_535 } as GPUSupportedLimits;
}

/** Memory that mappings share: what is written there goes nowhere. */
function createScratch() {
  let area = new ArrayBuffer(0);
  return (bytes: number): ArrayBuffer => {
    if (area.byteLength !== bytes) area = new ArrayBuffer(bytes);
    return area;
  };
}

/** @param options.content what readbacks find */
export function createCountingDevice(options: CountingOptions): CountingDevice {
  const report: CountingReport = {
    ...{ liveBytes: 0, peakBytes: 0, liveBuffers: 0, freedTwice: 0, usedAfterFree: 0 },
    ...{ submissions: 0, dispatches: 0, largestHostCopy: 0 },
  };
  const byKernel = new Map<string, number>();
  let lastKernel = '';
  const scratch = createScratch();
  const see = (bytes: number): void => {
    report.largestHostCopy = Math.max(report.largestHostCopy, bytes);
  };
  const use = (buffer: unknown): void => {
    if ((buffer as CountedBuffer).destroyed) report.usedAfterFree++;
  };

  const createBuffer = ({ size, usage, mappedAtCreation }: GPUBufferDescriptor) => {
    report.liveBytes += size;
    report.peakBytes = Math.max(report.peakBytes, report.liveBytes);
    report.liveBuffers++;
    if (mappedAtCreation) see(size);
    const buffer: CountedBuffer = { size, usage, destroyed: false, sources: [] };
    return Object.assign(buffer, {
      destroy() {
        if (buffer.destroyed) {
          report.freedTwice++;
          return;
        }
        buffer.destroyed = true;
        report.liveBytes -= size;
        report.liveBuffers--;
      },
      mapAsync: async () => use(buffer),
      unmap() {},
      getMappedRange() {
        if (buffer.sources.length === 0) return scratch(size);
        see(size);
        const words = new Uint32Array(size / 4);
        let at = 0;
        for (const source of buffer.sources.splice(0)) {
          options.content?.(source, words.subarray(at, at + source.bytes / 4), counting);
          at += source.bytes / 4;
        }
        return words.buffer;
      },
    });
  };

  const createCommandEncoder = () => {
    const used: unknown[] = [];
    const reads: (() => void)[] = [];
    let label = '';
    let dispatches = 0;
    const pass = {
      setPipeline: (pipeline: { label: string }) => (label = pipeline.label),
      setBindGroup: (_: number, group: { buffers: unknown[] }) => used.push(...group.buffers),
      dispatchWorkgroups() {
        dispatches++;
        const kernel = label.split(' ')[0]!;
        lastKernel = kernel;
        byKernel.set(kernel, (byKernel.get(kernel) ?? 0) + 1);
      },
      end() {},
    };
    return {
      beginComputePass: () => pass,
      clearBuffer: (buffer: unknown) => used.push(buffer),
      copyBufferToBuffer(from: CountedBuffer, fromByte: number, to: CountedBuffer, _: number, bytes: number) {
        used.push(from, to);
        if (to.usage & GPUBufferUsage.MAP_READ)
          reads.push(() => to.sources.push({ size: from.size, fromByte, bytes, lastKernel }));
      },
      finish: () => ({
        submit() {
          report.submissions++;
          report.dispatches += dispatches;
          used.forEach(use);
          reads.forEach((read) => read());
        },
      }),
    };
  };

  const device = {
    limits: limitsOf(options),
    features: new Set(),
    lost: new Promise(() => {}),
    addEventListener() {},
    pushErrorScope() {},
    popErrorScope: async () => null,
    createBuffer,
    createCommandEncoder,
    createShaderModule: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: async ({ label }: { label: string }) => ({ label }),
    createBindGroup: ({ entries }: { entries: { resource: { buffer: unknown } }[] }) => ({
      buffers: entries.map(({ resource }) => resource.buffer),
    }),
    destroy() {},
    queue: {
      submit: (buffers: { submit(): void }[]) => buffers.forEach((buffer) => buffer.submit()),
      writeBuffer(buffer: unknown, _: number, data: Uint8Array) {
        use(buffer);
        see(data.byteLength);
      },
      onSubmittedWorkDone: async () => undefined,
    },
  } as unknown as GPUDevice;
  const counting: CountingDevice = {
    device,
    info: {
      ...{ vendor: 'none', architecture: '', description: 'counting device', quads: false },
      ...{ adapterClass: options.adapterClass, limits: device.limits },
    },
    report: () => ({ ...report }),
    dispatchesOf: (kernel) => byKernel.get(kernel) ?? 0,
  };
  return counting;
}
