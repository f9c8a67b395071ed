// From a shader file to the source that is compiled: imports, marked constants, marked aliases, unrolling.
// A shader stays valid WGSL before assembly as far as its imports allow; nothing is spliced into expressions.

import { LorikeetError } from '../base/errors';
import { unroll } from './unroll';

export type SpecValue = number | boolean | string;

/** Values for a shader's marked constants and aliases, and replacements for its imports. */
export interface Specialisation {
  /** `const NAME: u32 = 64u; // spec` and `alias NAME = f32; // spec`. */
  spec?: Record<string, SpecValue>;
  /** `// import lib/decode_f32.wgsl` may be answered with another library of the same interface. */
  imports?: Record<string, string>;
}

/** Brings `enable` directives, wherever a library has them, to where WGSL wants them: before everything else. */
function hoistEnables(source: string): string {
  const directives: string[] = [];
  const rest = source.replace(/^enable [\w, ]+;$/gm, (line) => {
    directives.push(line);
    return '';
  });
  return [...new Set(directives), rest].join('\n');
}

/** Text of `shaders/lib/NAME` by `lib/NAME`. */
export type ShaderLibrary = ReadonlyMap<string, string>;

function inlineImports(source: string, file: string, library: ShaderLibrary, replace: Record<string, string>): string {
  const seen = new Set<string>();
  const inline = (text: string, from: string): string =>
    text.replace(/^ *\/\/ import (\S+)$/gm, (_, asked: string) => {
      const name = replace[asked] ?? asked;
      if (seen.has(name)) return '';
      seen.add(name);
      const found = library.get(name);
      if (found === undefined) throw new LorikeetError('shader.import', `${from}: there is no shaders/${name}`);
      return inline(found, name);
    });
  return inline(source, file);
}

function literal(value: SpecValue, type: string): string {
  if (typeof value !== 'number') return String(value);
  if (type === 'u32') return `${value}u`;
  if (type === 'i32') return `${value}i`;
  return Number.isInteger(value) ? `${value}.0f` : `${value}f`;
}

function specialise(source: string, file: string, spec: Record<string, SpecValue>): string {
  const used = new Set<string>();
  let out = source.replace(/^const (\w+): (\w+) = ([^;]+); \/\/ spec[^\n]*$/gm, (line, name: string, type: string) => {
    const value = spec[name];
    if (value === undefined) return line;
    used.add(name);
    return `const ${name}: ${type} = ${literal(value, type)};`;
  });
  out = out.replace(/^alias (\w+) = ([^;]+); \/\/ spec[^\n]*$/gm, (line, name: string) => {
    if (!(name in spec)) return line;
    used.add(name);
    return `alias ${name} = ${String(spec[name])};`;
  });
  for (const name of Object.keys(spec)) {
    if (!used.has(name)) {
      throw new LorikeetError('shader.spec', `${file}: no marked constant or alias is named ${name}`);
    }
  }
  return out;
}

function integerConstants(source: string): Map<string, number> {
  const constants = new Map<string, number>();
  for (const [, name = '', value = ''] of source.matchAll(/^const (\w+)(?:: [ui]32)? = (\d+)[ui]?;/gm)) {
    constants.set(name, parseInt(value, 10));
  }
  return constants;
}

/**
 * The source to compile.
 * @param source the file's text @param file its path, for errors and labels
 * @throws shader.import, shader.spec (unknown name), shader.expression, shader.unroll
 */
export function assembleShader(
  source: string,
  file: string,
  library: ShaderLibrary,
  specialisation: Specialisation = {},
): string {
  const inlined = inlineImports(source, file, library, specialisation.imports ?? {});
  const special = specialise(inlined, file, specialisation.spec ?? {});
  return unroll(hoistEnables(special), integerConstants(special), file);
}

export interface ShaderBinding {
  binding: number;
  name: string;
  kind: 'read-only-storage' | 'storage' | 'uniform';
}

export interface UniformField {
  name: string;
  type: 'u32' | 'i32' | 'f32';
}

export interface ShaderInterface {
  bindings: ShaderBinding[];
  /** Fields of `struct Params`, in order; all are 4 bytes wide. */
  uniforms: UniformField[];
}

/** Reads the `@binding` lines and the fields of `struct Params`: the shader itself is the only description. */
export function parseInterface(source: string, file: string): ShaderInterface {
  const bindings: ShaderBinding[] = [];
  const pattern = /@group\(0\) @binding\((\d+)\) var<(storage, read_write|storage, read|uniform)> (\w+):/g;
  for (const [, binding, access, name = ''] of source.matchAll(pattern)) {
    const kind = access === 'uniform' ? 'uniform' : access === 'storage, read' ? 'read-only-storage' : 'storage';
    bindings.push({ binding: Number(binding), name, kind });
  }
  const struct = /struct Params \{([^}]*)\}/.exec(source);
  const uniforms: UniformField[] = [];
  for (const [, name = '', type] of (struct?.[1] ?? '').matchAll(/(\w+): (\w+)/g)) {
    if (type !== 'u32' && type !== 'i32' && type !== 'f32') {
      throw new LorikeetError(
        'shader.uniform',
        `${file}: Params.${name} is ${type}; only u32, i32 and f32 are allowed`,
      );
    }
    uniforms.push({ name, type });
  }
  return { bindings, uniforms };
}
