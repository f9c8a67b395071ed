// Whole layers beside float64: heads of the 3B's sizes, widths as narrow as they allow. layers.long.browser.test.ts has
// the 3B's own widths.

import { beforeAll, describe, test } from 'vitest';
import { VARIANTS, withGpu } from '../gpu/testGpu';
import { loadQwen25VL } from './qwen25vl';
import { expectLayer, expectVision } from './testing/layerCase';
import { NARROW_WIDTHS, oneLayerModel } from './testing/oneLayerModel';
import { expectedAnswers, STORAGE_CASES } from './testing/storageCases';

/** f32 sums of up to 1,176 terms through seven products one after the other. */
const RELATIVE = 2e-5;

let answers: Awaited<ReturnType<typeof expectedAnswers>>;
beforeAll(async () => {
  answers = await expectedAnswers(NARROW_WIDTHS);
});

describe.each(VARIANTS)('%s kernels', (variant) => {
  test.each(STORAGE_CASES)(
    'a decoder layer with all its gradients and a vision tower equal float64 in $name',
    async ({ type, storage }) => {
      const { config, files } = await oneLayerModel(NARROW_WIDTHS, type);
      const { layer, vision } = answers(storage);
      await withGpu(variant, async (bench) => {
        const model = await loadQwen25VL(bench.gpu, files, config, { storage });
        await expectLayer(bench, model, layer, RELATIVE);
        await expectVision(bench, model, vision, RELATIVE);
      });
    },
  );
});
