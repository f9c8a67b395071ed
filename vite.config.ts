// The build: the app and its module workers; with `--mode verify` the page of the numeric check instead, which is no part
// of what is hosted. No option changes behaviour at run time.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { headersPlugin } from './tools/vite/headersPlugin.mjs';
import { hostHeadersPlugin } from './tools/vite/hostHeadersPlugin.mjs';
import { referencePlugin } from './tools/vite/referencePlugin.mjs';

export default defineConfig(({ mode }) => ({
  plugins: [react(), referencePlugin(), headersPlugin(), hostHeadersPlugin()],
  // The numeric check needs no demo, and has the sentence encoder from its server.
  publicDir: mode === 'verify' ? false : 'public',
  resolve: {
    // transformers.js asks for the WebGPU build (26.9 MB of wasm); the reward encoder runs on the CPU (14.3 MB).
    alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' },
  },
  worker: { format: 'es' },
  // Only workers import it: found late, it would make the development server reload the page.
  optimizeDeps: { include: ['@huggingface/transformers'] },
  build: {
    target: 'es2022',
    // Inlined assets would be data: URLs, which the security policy blocks.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { input: mode === 'verify' ? 'verify.html' : 'index.html', checks: { pluginTimings: false } },
  },
  // Headers of both servers are headersPlugin's. Vite shows faults in an overlay by innerHTML, which the policy forbids:
  // they are in the console and in the terminal.
  server: { port: 5176, strictPort: true, hmr: { overlay: false } },
  preview: { port: 5177, strictPort: true },
}));
