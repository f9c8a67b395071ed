// Puts Chrome's WebGPU (Dawn) into Node, for tests of kernels on an adapter that Chromium does not bring.

import { loadDawn } from '../mesa/loadDawn.mjs';

const { create, globals } = await loadDawn();
Object.assign(globalThis, globals);
const gpu = create(['backend=vulkan']);
Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
