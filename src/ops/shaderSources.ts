// The text of every shader, for telling versions of the kernels apart. Ops import their own shader by name instead.

const files = import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true });

/** Path inside shaders/ and text of every shader file, shared functions included, in the order of paths. */
export function shaderSources(): [path: string, text: string][] {
  const inside = (path: string) => path.slice(path.indexOf('shaders/') + 'shaders/'.length);
  return Object.entries(files)
    .map(([path, text]): [string, string] => [inside(path), text])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
