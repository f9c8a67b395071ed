import { describe, expect, it } from 'vitest';
import { assembleShader, parseInterface } from './shaderAssembly';
import { shaderLibrary } from './shaderLibrary';

const LIBRARY = new Map([
  ['lib/a.wgsl', '// import lib/b.wgsl\nfn a() {}\n'],
  ['lib/b.wgsl', 'const SIZE: u32 = 4u; // spec\nfn b() {}\n'],
  ['lib/c.wgsl', 'fn b_of_another_kind() {}\n'],
  ['lib/d.wgsl', '// Needs something.\nenable subgroups;\nfn d() {}\n'],
]);

const kernels = import.meta.glob<string>('../../shaders/*.wgsl', { query: '?raw', import: 'default', eager: true });

describe('assembleShader', () => {
  const assemble = (source: string, specialisation = {}) => assembleShader(source, 'x.wgsl', LIBRARY, specialisation);

  it('puts each import in once, imports of imports too', () => {
    const out = assemble('// import lib/a.wgsl\n// import lib/b.wgsl\nfn main() {}\n');
    expect(out.match(/fn b\(\)/g)).toHaveLength(1);
    expect(out.indexOf('fn b()')).toBeLessThan(out.indexOf('fn a()'));
    expect(out).toContain('fn main() {}');
  });

  it('puts statements where a function imports them', () => {
    const out = assemble('fn main() {\n  // import lib/c.wgsl\n}\n');
    expect(out).toMatch(/^fn main\(\) \{\nfn b_of_another_kind\(\) \{\}\n+\}$/m);
  });

  it('answers an import with another library of the same interface', () => {
    const out = assemble('// import lib/a.wgsl\n', { imports: { 'lib/b.wgsl': 'lib/c.wgsl' } });
    expect(out).toContain('b_of_another_kind');
    expect(out).not.toContain('fn b()');
  });

  it('puts what a library enables before everything else', () => {
    const out = assemble('// The kernel.\n// import lib/b.wgsl\n// import lib/d.wgsl\nfn main() {}\n');
    expect(out.indexOf('enable subgroups;')).toBe(0);
    expect(out.match(/enable/g)).toHaveLength(1);
    expect(out).toContain('fn d() {}');
  });

  it('names the file whose import is unknown', () => {
    expect(() => assemble('// import lib/none.wgsl\n')).toThrow('x.wgsl: there is no shaders/lib/none.wgsl');
  });

  it('replaces marked constants and aliases by their type, in libraries too', () => {
    const source = [
      '// import lib/b.wgsl',
      'const N: i32 = 1; // spec how many',
      'const F: f32 = 1.0f; // spec',
      'const ON: bool = false; // spec',
      'alias Elem = f32; // spec',
      'const FIXED: u32 = 9u;',
    ].join('\n');
    const out = assemble(source, { spec: { SIZE: 8, N: -2, F: 3, ON: true, Elem: 'u32' } });
    for (const line of [
      'const SIZE: u32 = 8u;',
      'const N: i32 = -2i;',
      'const F: f32 = 3.0f;',
      'const ON: bool = true;',
      'alias Elem = u32;',
      'const FIXED: u32 = 9u;',
    ]) {
      expect(out).toContain(line);
    }
    expect(assemble('const F: f32 = 1.0f; // spec', { spec: { F: 0.5 } })).toBe('const F: f32 = 0.5f;');
  });

  it('keeps the written values without a specialisation', () => {
    expect(assemble('const N: u32 = 1u; // spec')).toBe('const N: u32 = 1u; // spec');
  });

  it('refuses names that the shader does not mark', () => {
    const source = 'const N: u32 = 1u;\n';
    expect(() => assemble(source, { spec: { N: 2 } })).toThrow('x.wgsl: no marked constant or alias is named N');
    expect(() => assemble(source, { spec: { OTHER: 2 } })).toThrow('named OTHER');
  });

  it('unrolls by the specialised constants', () => {
    const source = 'const N: u32 = 1u; // spec\nfn main() {\nfor (var i = 0u; i < N; i++) { // unroll\nf(i);\n}\n}\n';
    expect(assemble(source, { spec: { N: 3 } }).match(/f\(\du\)/g)).toEqual(['f(0u)', 'f(1u)', 'f(2u)']);
  });
});

describe('parseInterface', () => {
  it('reads names, kinds and uniform fields in order', () => {
    const source = `
      struct Params {
        rows: u32,
        shift: i32,
        scale: f32,
      }
      @group(0) @binding(0) var<storage, read> x: array<vec4f>;
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @group(0) @binding(7) var<uniform> params: Params;
      var<workgroup> scratch: array<f32, 4>;
    `;
    expect(parseInterface(source, 'x.wgsl')).toEqual({
      bindings: [
        { binding: 0, name: 'x', kind: 'read-only-storage' },
        { binding: 1, name: 'y', kind: 'storage' },
        { binding: 7, name: 'params', kind: 'uniform' },
      ],
      uniforms: [
        { name: 'rows', type: 'u32' },
        { name: 'shift', type: 'i32' },
        { name: 'scale', type: 'f32' },
      ],
    });
  });

  it('refuses uniform fields that are not 4 bytes wide', () => {
    const source = 'struct Params { size: vec2u }';
    expect(() => parseInterface(source, 'x.wgsl')).toThrow('x.wgsl: Params.size is vec2u');
  });
});

describe('every kernel', () => {
  const entries = Object.entries(kernels).map(([path, source]) => ({ name: path.split('/').pop() ?? path, source }));

  it('is found', () => {
    expect(entries.length).toBeGreaterThan(20);
  });

  // 8 storage buffers to a shader stage are what every WebGPU device has.
  it.each(entries)('$name assembles as written and binds at most 8 storage buffers', ({ name, source }) => {
    const assembled = assembleShader(source, name, shaderLibrary);
    const { bindings } = parseInterface(assembled, name);
    expect(bindings.filter(({ kind }) => kind !== 'uniform').length).toBeLessThanOrEqual(8);
    expect(bindings.filter(({ kind }) => kind === 'uniform').length).toBeLessThanOrEqual(1);
    expect(bindings.map(({ binding }) => binding)).toEqual(bindings.map((_, i) => i));
    // Each declared binding was understood.
    expect(bindings.length).toBe((assembled.match(/@binding\(/g) ?? []).length);
  });

  const readsWeights = entries.filter(({ source }) => {
    const assembled = assembleShader(source, 'x.wgsl', shaderLibrary);
    return assembled.includes('fn weight4');
  });
  it.each(readsWeights)(
    '$name reads 4-bit weights with at most 8 storage buffers, each with its own number',
    (kernel) => {
      const imports = { 'lib/decode_f32.wgsl': 'lib/decode_nf4.wgsl' };
      const assembled = assembleShader(kernel.source, kernel.name, shaderLibrary, { imports });
      const { bindings } = parseInterface(assembled, kernel.name);
      expect(bindings.map(({ name }) => name)).toContain('scales');
      expect(new Set(bindings.map(({ binding }) => binding)).size).toBe(bindings.length);
      expect(bindings.filter(({ kind }) => kind !== 'uniform').length).toBeLessThanOrEqual(8);
    },
  );
});
