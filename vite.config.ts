// The build: two pages (the app and the numeric check) and their module workers. No option changes behaviour at run time.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { isolationHeaders } from './tools/launcher/headers.mjs';
import { headersPlugin } from './tools/vite/headersPlugin.mjs';
import { referencePlugin } from './tools/vite/referencePlugin.mjs';

export default defineConfig({
  plugins: [react(), referencePlugin(), headersPlugin()],
  resolve: {
    // transformers.js asks for the WebGPU build (26.9 MB of wasm); the reward encoder runs on the CPU (14.3 MB).
    alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' },
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Inlined assets would be data: URLs, which the security policy blocks.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { input: ['index.html', 'verify.html'], checks: { pluginTimings: false } },
  },
  // No Content-Security-Policy of the page in development: hot reload needs inline scripts.
  server: { port: 5176, strictPort: true, headers: isolationHeaders },
  // All of its headers are the plugin's.
  preview: { port: 5177, strictPort: true },
});
