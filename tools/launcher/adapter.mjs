// Which WebGPU adapter headless Chromium gets on this machine. Needs the npm packages.

import { hasGpu, webgpuArgs } from './browser.mjs';
import { THIS_MACHINE } from './machine.mjs';
import { IDENTITY_PATH } from './server.mjs';

/** Name of the hardware adapter that a page of `origin` gets with the GPU flags, or null. */
async function probeGpu(executablePath, origin) {
  const { chromium } = await import('playwright');
  const browser = await chromium.launch({
    executablePath,
    args: webgpuArgs('gpu'),
    chromiumSandbox: !THIS_MACHINE.isRoot,
  });
  try {
    const page = await browser.newPage();
    await page.goto(origin + IDENTITY_PATH);
    return await page.evaluate(async () => {
      const adapter = await globalThis.navigator.gpu?.requestAdapter();
      if (!adapter || adapter.info.isFallbackAdapter) return null;
      const name = [adapter.info.vendor, adapter.info.architecture, adapter.info.description].join(' ');
      return /swiftshader|llvmpipe|lavapipe/i.test(name) ? null : name.trim();
    });
  } finally {
    await browser.close();
  }
}

/**
 * Tries the GPU where the machine shows signs of one; anything that goes wrong there means software.
 * @param {string} executablePath browser @param {string} origin of a running server
 * @returns {Promise<'gpu' | 'software'>}
 */
export async function chooseAdapter(executablePath, origin) {
  if (!hasGpu()) return 'software';
  try {
    return (await probeGpu(executablePath, origin)) === null ? 'software' : 'gpu';
  } catch {
    return 'software';
  }
}
