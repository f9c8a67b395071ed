import { describe, expect, it } from 'vitest';
import { describeAdapter } from './device';

const limits = {} as GPUSupportedLimits;
const none = new Set<string>();

function infoOf(fields: Partial<GPUAdapterInfo>): GPUAdapterInfo {
  return { vendor: '', architecture: '', device: '', description: '', ...fields } as GPUAdapterInfo;
}

describe('describeAdapter', () => {
  it.each([
    { vendor: 'google', architecture: 'swiftshader' },
    { vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    { vendor: 'microsoft', description: 'Microsoft Basic Render Driver' },
    { vendor: 'somebody', isFallbackAdapter: true },
  ])('knows a CPU that plays the GPU: %o', (fields) => {
    expect(describeAdapter(infoOf(fields), limits, none).adapterClass).toBe('software');
  });

  it.each([
    { vendor: 'nvidia', architecture: 'ada-lovelace' },
    { vendor: 'apple', architecture: 'metal-3' },
    { vendor: 'intel', architecture: 'gen-12lp', isFallbackAdapter: false },
    {},
  ])('takes everything else for a GPU: %o', (fields) => {
    expect(describeAdapter(infoOf(fields), limits, none).adapterClass).toBe('gpu');
  });

  it('counts on subgroups of four only where the device has them and they are never wider', () => {
    const quads = (subgroupMinSize: number, subgroupMaxSize: number, features = new Set(['subgroups'])) =>
      describeAdapter(infoOf({ subgroupMinSize, subgroupMaxSize }), limits, features).quads;
    expect(quads(4, 4)).toBe(true);
    expect(quads(4, 4, none)).toBe(false);
    expect(quads(4, 128)).toBe(false);
    expect(quads(32, 32)).toBe(false);
  });
});
