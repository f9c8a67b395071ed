// A packed batch on the GPU: the inputs of the language model.

import { check } from '../base/errors';
import type { PackedBatch } from '../data/pack';
import type { Recorder, Scope } from '../gpu/recorder';
import type { ModelConfig } from '../model/config';
import type { StreamInputs } from '../model/languageModel';
import { mropeTable } from '../model/ropeTables';
import { rangePairs } from '../ops/attention';

/**
 * @param features f32 (rows, C) of the batch's images, in `batch.images` order
 * @param scope holds every tensor of the stream
 * @throws model.tokenId
 */
export function uploadStream(
  rec: Recorder,
  scope: Scope,
  batch: PackedBatch,
  features: Float32Array,
  config: ModelConfig,
): StreamInputs {
  const { tokens } = batch;
  const largest = batch.ids.reduce((a, b) => Math.max(a, b), 0);
  // A gather beyond the embedding would be clamped by the GPU, in silence.
  check(
    largest < config.vocabSize,
    'model.tokenId',
    `token id ${largest} in a batch, the embedding has ${config.vocabSize} rows`,
  );
  const table = mropeTable(batch.positions, {
    headSize: config.headSize,
    theta: config.ropeTheta,
    section: config.mropeSection,
  });
  const rows = Math.max(1, features.length / config.hiddenSize);
  const featureTensor = scope.tensor([rows, config.hiddenSize], 'f32', 'features');
  rec.upload(featureTensor, features);
  return {
    tokens,
    pairs: rangePairs(batch.ranges),
    ids: scope.upload(batch.ids),
    imageRow: scope.upload(batch.imageRow),
    features: featureTensor,
    table: scope.upload(table, [tokens, config.headSize]),
    tableRow: scope.upload(Uint32Array.from({ length: tokens }, (_, i) => i)),
    ranges: scope.upload(batch.ranges, [tokens, 4]),
    queryEnd: scope.upload(batch.queryEnd),
  };
}
