// Puts Chrome's WebGPU (Dawn, npm `webgpu`) into Node, for tests of kernels on an adapter that Chromium does not bring.
// LORIKEET_DAWN names a folder in which `npm install webgpu` was run; it is no dependency of the product.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.LORIKEET_DAWN;
if (!folder) throw new Error('LORIKEET_DAWN is not set: tools/lavapipe/README.md says what it names');

const entry = createRequire(join(folder, 'package.json')).resolve('webgpu');
const { create, globals } = await import(pathToFileURL(entry).href);
Object.assign(globalThis, globals);
const gpu = create(['backend=vulkan']);
Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
