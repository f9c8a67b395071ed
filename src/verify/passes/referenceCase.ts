// The reference's adapted model on a device that turns released buffers into NaN, for tests of passes. Browser only.

import { requestDevice, type AdapterClass } from '../../gpu/device';
import { createGpu } from '../../gpu/gpu';
import { loadReferenceAdapter, referenceTrainee } from '../groups/lora';
import { openHttpFolder } from '../../reference/httpFolder';
import { loadReferenceModel, type ReferenceModel } from '../loadModel';
import type { Trainee } from '../../train/lossPass';

/**
 * The base of case lora/all with its adapter on all seven linears.
 * @param variant kernels @throws when the reference lacks the case
 */
export async function openReferenceCase(
  variant: AdapterClass,
): Promise<{ reference: ReferenceModel; trainee: Trainee }> {
  const folder = await openHttpFolder('/reference/');
  const entry = folder.cases.find(({ id }) => id === 'lora/all');
  if (!entry?.base) throw new Error('the reference has no case lora/all');
  const { device } = await requestDevice();
  const context = {
    folder,
    report: () => undefined,
    uncovered: () => undefined,
    device: () => Promise.resolve(device),
    variant,
  };
  const reference = await loadReferenceModel(context, entry.base);
  // Whoever reads a released buffer is caught here.
  reference.gpu = createGpu(device, { variant, debug: true });
  const { adapter } = await loadReferenceAdapter(context, reference, `${entry.path}/adapter`);
  return { reference, trainee: referenceTrainee(reference, adapter) };
}
