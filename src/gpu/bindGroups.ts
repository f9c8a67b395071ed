// Bind groups, made once per kernel and set of buffers: making them anew for every dispatch costs more than the dispatch.

import { LorikeetError } from '../base/errors';
import type { CompiledKernel } from './pipelines';
import type { Tensor } from './tensor';

/** Bind groups by kernel and buffers; forgotten together when there are many. */
export function createBindGroups(device: GPUDevice) {
  const ids = new WeakMap<GPUBuffer, number>();
  const groups = new Map<string, GPUBindGroup>();
  let next = 0;
  const idOf = (buffer: GPUBuffer): number => {
    let id = ids.get(buffer);
    if (id === undefined) ids.set(buffer, (id = next++));
    return id;
  };
  return (kernel: CompiledKernel, bindings: Record<string, Tensor>, uniform: GPUBuffer): GPUBindGroup => {
    let key = String(kernel.id);
    const entries: GPUBindGroupEntry[] = [];
    let storage = 0;
    for (const { binding, name, kind } of kernel.shader.bindings) {
      if (kind === 'uniform') {
        entries.push({ binding, resource: { buffer: uniform, size: Math.max(4, kernel.uniformBytes) } });
        key += `:${idOf(uniform)}`;
        continue;
      }
      const tensor = bindings[name];
      if (!tensor) throw new LorikeetError('gpu.binding', `${kernel.label}: binding ${name} is missing`);
      storage++;
      entries.push({ binding, resource: { buffer: tensor.buffer } });
      key += `:${idOf(tensor.buffer)}`;
    }
    if (storage !== Object.keys(bindings).length) {
      const known = new Set(kernel.shader.bindings.map((b) => b.name));
      const extra = Object.keys(bindings).filter((name) => !known.has(name));
      throw new LorikeetError('gpu.binding', `${kernel.label}: has no binding named ${extra.join(', ')}`);
    }
    let group = groups.get(key);
    if (!group) {
      if (groups.size > 4000) groups.clear();
      group = device.createBindGroup({ label: kernel.label, layout: kernel.layout, entries });
      groups.set(key, group);
    }
    return group;
  };
}
