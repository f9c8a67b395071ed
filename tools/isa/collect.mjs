// The kernels of a run, from the sources: TypeScript and shaders are loaded as the page's build loads them.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRepository } from '../launcher/paths.mjs';
import { named } from './names.mjs';

/** @returns {Promise<ReturnType<typeof named>>} every pipeline that a run of the 3B compiles on a GPU */
export async function collectKernels() {
  const { createServer } = await import('vite');
  const server = await createServer({
    configFile: false,
    root: inRepository(),
    cacheDir: inRepository('.cache', 'isa', 'vite'),
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    logLevel: 'error',
  });
  try {
    const { runPipelines } = await server.ssrLoadModule('/src/worker/testing/runPipelines.ts');
    return named(await runPipelines());
  } finally {
    await server.close();
  }
}

/**
 * Writes each kernel's assembled WGSL into a folder that holds nothing else.
 * @returns {string[]} paths
 */
export function writeKernels(folder, kernels) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return kernels.map(({ name, code }) => {
    const path = join(folder, `${name}.wgsl`);
    writeFileSync(path, code);
    return path;
  });
}
