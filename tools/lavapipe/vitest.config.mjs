// Tests of kernels and of what loads weights, in Node on another software adapter than Chromium's: see README.md here.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    name: 'lavapipe',
    environment: 'node',
    include: ['src/ops/**/*.browser.test.ts', 'src/gpu/**/*.browser.test.ts', 'src/model/loadMatrix.browser.test.ts'],
    setupFiles: ['tools/lavapipe/dawn.mjs'],
    // One device at a time: the adapter takes all cores.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
