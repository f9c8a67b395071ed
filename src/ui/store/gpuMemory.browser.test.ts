import { beforeEach, expect, test } from 'vitest';
import type { AdapterInfo } from '../../protocol/messages';
import { useDevice } from './device';
import { gpuMemory, setGpuMemory } from './gpuMemory';

beforeEach(() => localStorage.clear());

function plugIn(description: string): void {
  const adapter: AdapterInfo = {
    ...{ vendor: 'nvidia', architecture: 'ada', description, software: false },
    ...{ maxBufferSize: 1, maxStorageBufferBindingSize: 1 },
  };
  useDevice.setState({ adapter });
}

test('GPU memory is 8 GB until another figure is chosen, and each adapter has its own', () => {
  plugIn('large');
  expect(gpuMemory()).toBe(8);
  setGpuMemory(24);
  plugIn('small');
  expect(gpuMemory()).toBe(8);
  setGpuMemory(4);
  plugIn('large');
  expect(gpuMemory()).toBe(24);
  expect(JSON.parse(localStorage.getItem('lorikeet.gpuMemory')!)).toEqual({
    'nvidia/ada/large': 24,
    'nvidia/ada/small': 4,
  });
});
