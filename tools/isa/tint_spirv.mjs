// WGSL files to the SPIR-V that Chrome's compiler (Tint) makes of them: Dawn in Node on lavapipe, made to print what it
// hands to the driver. Usage: node tint_spirv.mjs NAME.wgsl... (environment: isa.py sets it)

import { readFileSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { loadDawn } from '../mesa/loadDawn.mjs';

const { create, globals } = await loadDawn();
Object.assign(globalThis, globals);
// Collected, it would take the device with it.
globalThis.keptDawn = create(['backend=vulkan', 'enable-dawn-features=dump_shaders,allow_unsafe_apis']);
const adapter = await globalThis.keptDawn.requestAdapter();
const { limits } = adapter;
const device = await adapter.requestDevice({
  requiredFeatures: ['subgroups', 'shader-f16'].filter((name) => adapter.features.has(name)),
  requiredLimits: {
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
  },
});
for (const file of process.argv.slice(2)) {
  // Dawn writes past Node's streams: so do we, and what it prints stays behind its kernel's line.
  writeSync(1, `##KERNEL ${basename(file, '.wgsl')}\n`);
  try {
    const module = device.createShaderModule({ code: readFileSync(file, 'utf8') });
    await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  } catch (error) {
    writeSync(1, `##ERROR ${String(error).replaceAll('\n', ' ').slice(0, 300)}\n`);
  }
  // What it logs comes a moment after.
  await new Promise((resolve) => setTimeout(resolve, 20));
}
// The device would keep Node alive.
process.exit(0);
