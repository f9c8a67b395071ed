// Whole layers beside float64 in every storage type and both families of kernels, at given widths. For tests only.

import { beforeAll, describe, test } from 'vitest';
import { SHORT } from '../../base/testing/longTest';
import { VARIANTS, withGpu } from '../../gpu/testGpu';
import { loadQwen25VL } from '../qwen25vl';
import { expectLayer, expectVision } from './layerCase';
import { oneLayerModel, type Widths } from './oneLayerModel';
import { expectedAnswers, STORAGE_CASES } from './storageCases';

/**
 * Of the largest value: f32 sums through seven products one after the other. The longest has 1,176 terms (the patch
 * embedding's), at the 3B's widths 11,008 (down_proj's).
 */
const RELATIVE = 2e-5;

/** Tests of a layer and a tower; every type of file holds the same numbers. */
export function describeLayers(widths: Widths): void {
  let answers: Awaited<ReturnType<typeof expectedAnswers>>;
  beforeAll(async () => {
    answers = await expectedAnswers(widths);
  });

  describe.each(VARIANTS)('%s kernels', (variant) => {
    test.each(STORAGE_CASES.filter(({ always }) => always || !SHORT))(
      'a decoder layer with all its gradients and a vision tower equal float64 in $name',
      async ({ type, storage }) => {
        const { config, files } = await oneLayerModel(widths, type);
        const { layer, vision } = answers(storage);
        await withGpu(variant, async (bench) => {
          const model = await loadQwen25VL(bench.gpu, files, config, { storage });
          await expectLayer(bench, model, layer, RELATIVE);
          await expectVision(bench, model, vision, RELATIVE);
        });
      },
    );
  });
}
