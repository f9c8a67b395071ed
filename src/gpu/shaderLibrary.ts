// All shared shader functions, as text, by the name that `// import` uses.

const files = import.meta.glob<string>('../../shaders/lib/*.wgsl', { query: '?raw', import: 'default', eager: true });

/** `lib/NAME.wgsl` to its text. */
export const shaderLibrary: ReadonlyMap<string, string> = new Map(
  Object.entries(files).map(([path, text]) => [path.slice(path.indexOf('lib/')), text]),
);
