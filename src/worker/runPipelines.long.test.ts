// The kernels that a run of the 3B compiles on a GPU, as a device that counts sees them.

import { beforeAll, expect, it } from 'vitest';
import { named } from '../../tools/isa/names.mjs';
import { shaderSources } from '../ops/shaderSources';
import { runPipelines, type RunPipeline } from './testing/runPipelines';

/** Kernels that no GPU runs: registers instead of workgroup memory, for where a CPU plays the GPU. */
const SOFTWARE = [
  ...['attention.wgsl', 'attention_backward_kv.wgsl', 'attention_backward_q.wgsl'],
  ...['matmul_nn.wgsl', 'matmul_nt.wgsl', 'matmul_tn.wgsl'],
];

let pipelines: RunPipeline[];

beforeAll(async () => {
  pipelines = await runPipelines();
});

it('every kernel but those of software adapters is compiled by some run of the 3B', () => {
  const kernels = shaderSources().map(([path]) => path);
  const files = kernels.filter((path) => !path.startsWith('lib/') && !SOFTWARE.includes(path));
  expect([...new Set(pipelines.map(({ file }) => file))].sort()).toEqual(files);
});

it('products are there for a base in 4 bits, bf16 and f32, forward and backward', () => {
  const names = named(pipelines).map(({ name }) => name);
  for (const product of ['matmul_nt', 'matmul_nn']) {
    for (const storage of ['nf4', 'bf16', 'f32']) {
      expect(names).toContainEqual(expect.stringMatching(new RegExp(`^${product}\\w*-${storage}\\b`)));
    }
  }
});

it('attention is there for the heads of the language model, with its gradients, and of the vision tower', () => {
  const names = named(pipelines).map(({ name }) => name);
  for (const kernel of [/^attention\w*-head128\b/, /^attention_backward\w*-head128\b/, /^attention\w*-head80\b/]) {
    expect(names).toContainEqual(expect.stringMatching(kernel));
  }
});

it('each pipeline is whole WGSL with a name of its own that begins with its file', () => {
  const rows = named(pipelines);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  for (const { name, file, code } of rows) {
    expect(name).toMatch(/^[\w-]+$/);
    expect(name.split('-')[0]).toBe(file.replace('.wgsl', ''));
    expect(code).toMatch(/@compute[^{]*fn main\(/);
    expect(code).not.toContain('// import');
  }
});
