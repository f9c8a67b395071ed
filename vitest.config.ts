// The test tiers: `node` for what needs no browser, `browser` for WebGPU and page code, `e2e` for the built page.

import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { findBrowser, webgpuArgs } from './tools/launcher/browser.mjs';
import { headersPlugin } from './tools/vite/headersPlugin.mjs';
import { referencePlugin } from './tools/vite/referencePlugin.mjs';

const BROWSER_TESTS = ['src/**/*.browser.test.{ts,tsx}'];
/** Tests that take long; `npm test` leaves them to `npm run test:full`. Vitest called by itself knows them all. */
const WHICH = process.env['LORIKEET_TESTS'] ?? 'all';
const LONG_TESTS = WHICH === 'short' ? ['**/*.long.{test,browser.test,e2e}.{ts,tsx,mjs}'] : [];

/**
 * Tests wait for states, not for times. A limit only ends what hangs, so it is far above what a busy machine takes; a
 * test that expects something within a time says so itself.
 */
const PATIENCE = {
  testTimeout: 240_000,
  hookTimeout: 240_000,
  expect: { poll: { timeout: 120_000, interval: 50 } },
};

export default defineConfig({
  // The headers too: a user's reward runs only under its policy.
  plugins: [referencePlugin(), headersPlugin()],
  resolve: { alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' } },
  worker: { format: 'es' },
  // Found late, a dependency would be bundled in mid-run and the test page reloaded.
  optimizeDeps: {
    include: [
      ...[
        '@huggingface/transformers',
        'fflate',
        'idb-keyval',
        'valibot',
        'zustand',
        'uplot',
        '@tanstack/react-virtual',
      ],
      ...['react', 'react/jsx-dev-runtime', 'react-dom', 'react-dom/client'],
    ],
  },
  test: {
    // For src/base/testing/longTest.ts, in the browser too.
    env: { LORIKEET_TESTS: WHICH },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['src/**/*.test.{ts,tsx}', 'tools/**/*.test.{ts,mjs}'],
          exclude: [...BROWSER_TESTS, ...LONG_TESTS],
          ...PATIENCE,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: BROWSER_TESTS,
          exclude: LONG_TESTS,
          // One origin, one device: files that ran at once would share storage, quota and processor.
          fileParallelism: false,
          ...PATIENCE,
          browser: {
            enabled: true,
            connectTimeout: 240_000,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: findBrowser() ?? undefined, args: webgpuArgs('software') },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['e2e/**/*.e2e.ts'],
          exclude: LONG_TESTS,
          fileParallelism: false,
          ...PATIENCE,
          testTimeout: 600_000,
        },
      },
    ],
  },
});
