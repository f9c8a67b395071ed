import { expect, test } from 'vitest';
import { hasHost, installAutomation, type LorikeetApi } from './automation';
import { useDevice } from './store/device';
import { gpuMemory } from './store/gpuMemory';

test('GPU memory that the terminal names counts for the adapter, also when that is known only later', async () => {
  localStorage.clear();
  const host = window as { lorikeetHost?: () => void; lorikeet?: LorikeetApi };
  host.lorikeetHost = () => undefined;
  expect(hasHost()).toBe(true);
  installAutomation();
  let taken = false;
  const setting = host.lorikeet!.setGpuMemory(24).then(() => (taken = true));
  await Promise.resolve();
  expect(taken).toBe(false);
  const adapter = { vendor: 'nvidia', architecture: 'ada', description: 'late', software: false };
  useDevice.setState({ adapter: { ...adapter, maxBufferSize: 1, maxStorageBufferBindingSize: 1 } });
  await setting;
  expect(gpuMemory()).toBe(24);
});
