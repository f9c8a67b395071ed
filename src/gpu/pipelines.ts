// Compiles kernels once per final source, asynchronously, with explicit layouts made from the shader's own lines.

import { LorikeetError } from '../base/errors';
import { assembleShader, parseInterface, type ShaderInterface, type Specialisation } from './shaderAssembly';
import { shaderLibrary } from './shaderLibrary';

/** A shader file: `name` is its path below shaders/, for labels and errors. */
export interface Kernel {
  name: string;
  source: string;
}

export interface CompiledKernel {
  id: number;
  label: string;
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  shader: ShaderInterface;
  /** Bytes of `struct Params`; 0 without one. */
  uniformBytes: number;
}

export interface PipelineCache {
  /** Starts compiling if need be. Ready ones are returned at once. */
  get(kernel: Kernel, specialisation: Specialisation): CompiledKernel | Promise<CompiledKernel>;
}

function bindGroupLayout(device: GPUDevice, shader: ShaderInterface, label: string): GPUBindGroupLayout {
  return device.createBindGroupLayout({
    label,
    entries: shader.bindings.map(({ binding, kind }) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: kind, hasDynamicOffset: kind === 'uniform' },
    })),
  });
}

async function compile(device: GPUDevice, kernel: Kernel, code: string, label: string, id: number) {
  const shader = parseInterface(code, kernel.name);
  const module = device.createShaderModule({ label, code });
  const layout = bindGroupLayout(device, shader, label);
  try {
    const pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    return { id, label, pipeline, layout, shader, uniformBytes: shader.uniforms.length * 4 };
  } catch (error) {
    const info = await module.getCompilationInfo();
    const lines = code.split('\n');
    const notes = info.messages.map((m) => `line ${m.lineNum}: ${m.message}\n    ${lines[m.lineNum - 1] ?? ''}`);
    throw new LorikeetError('shader.compile', `shaders/${label}: ${notes.join('\n') || String(error)}`);
  }
}

/** A cache for one device. */
export function createPipelineCache(device: GPUDevice): PipelineCache {
  const byRequest = new Map<string, string>();
  const bySource = new Map<string, CompiledKernel | Promise<CompiledKernel>>();
  let count = 0;
  return {
    get(kernel, specialisation) {
      const request = `${kernel.name}\n${JSON.stringify(specialisation)}`;
      let code = byRequest.get(request);
      if (code === undefined) {
        code = assembleShader(kernel.source, kernel.name, shaderLibrary, specialisation);
        byRequest.set(request, code);
      }
      const known = bySource.get(code);
      if (known) return known;
      const label = `${kernel.name} ${JSON.stringify({ ...specialisation.spec, ...specialisation.imports })}`;
      const source = code;
      const pending = compile(device, kernel, code, label, count++).then((compiled) => {
        bySource.set(source, compiled);
        return compiled;
      });
      // Whoever submits awaits it; until then a failure must not count as unhandled.
      pending.catch(() => undefined);
      bySource.set(code, pending);
      return pending;
    },
  };
}
