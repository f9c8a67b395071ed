// Asking for a GPU device with everything the engine can use, and saying plainly why there is none.

import { LorikeetError } from '../base/errors';
import { BROWSER_NEEDED } from '../base/minimumBrowser.mjs';

/** What decides kernel variants. `software`: a CPU plays the GPU (SwiftShader, lavapipe, WARP). */
export type AdapterClass = 'software' | 'gpu';

export interface DeviceInfo {
  vendor: string;
  architecture: string;
  description: string;
  adapterClass: AdapterClass;
  /** Subgroups are four invocations, always: kernels may let the four share what they load. */
  quads: boolean;
  limits: GPUSupportedLimits;
}

/** Bytes of the largest buffer that the device binds. */
export function largestBinding(
  limits: Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>,
): number {
  return Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

/** Names and class of an adapter or device. */
export function describeAdapter(
  info: GPUAdapterInfo,
  limits: GPUSupportedLimits,
  features: Pick<GPUSupportedFeatures, 'has'>,
): DeviceInfo {
  const text = [info.vendor, info.architecture, info.device, info.description].join(' ');
  const software = info.isFallbackAdapter === true || SOFTWARE.test(text);
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description || info.device || (software ? 'SwiftShader' : ''),
    adapterClass: software ? 'software' : 'gpu',
    quads: features.has('subgroups') && info.subgroupMinSize === 4 && info.subgroupMaxSize === 4,
    limits,
  };
}

/**
 * A device with the adapter's own limits for buffers, bindings and workgroups.
 * @throws webgpu.missing (no API), webgpu.adapter (no adapter)
 */
export async function requestDevice(): Promise<{ device: GPUDevice; info: DeviceInfo }> {
  if (!('gpu' in navigator) || !navigator.gpu) {
    throw new LorikeetError(
      'webgpu.missing',
      'This browser has no WebGPU.',
      `Use ${BROWSER_NEEDED}, over https or on localhost.`,
    );
  }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new LorikeetError(
      'webgpu.adapter',
      'The browser found no GPU adapter it may use.',
      'Update the graphics driver, check chrome://gpu, or start Chrome with --enable-unsafe-webgpu.',
    );
  }
  const limits = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: adapter.features.has('subgroups') ? ['subgroups'] : [],
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    },
  });
  return { device, info: describeAdapter(adapter.info, limits, device.features) };
}
