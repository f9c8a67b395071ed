// A packed batch on the GPU: the inputs of the language model.

import { check } from '../base/errors';
import type { PackedBatch } from '../data/pack';
import type { Recorder, Scope } from '../gpu/recorder';
import type { Tensor } from '../gpu/tensor';
import { gridTokenCount } from '../image/smartResize';
import type { ModelConfig } from '../model/config';
import type { StreamInputs } from '../model/languageModel';
import { mropeTable } from '../model/ropeTables';
import { rangePairs } from '../ops/attention';
import type { FeaturesOf } from './features';

/** Uploaded features that may wait on the host before they are submitted. */
const WAITING_BYTES = 16 * 2 ** 20;

/** The features of a batch's pictures one after the other, f32 (rows, C); never all of them on the host. */
async function uploadFeatures(
  rec: Recorder,
  scope: Scope,
  { images }: PackedBatch,
  featuresOf: FeaturesOf,
  { hiddenSize, vision }: ModelConfig,
): Promise<Tensor> {
  const starts = [0];
  for (const { grid } of images) starts.push(starts.at(-1)! + gridTokenCount(grid, vision.spatialMergeSize));
  const tensor = scope.tensor([Math.max(1, starts.at(-1)!), hiddenSize], 'f32', 'features');
  let waiting = 0;
  await featuresOf(images, async (picture, features) => {
    const rows = starts[picture + 1]! - starts[picture]!;
    check(
      features.length === rows * hiddenSize,
      'image.features',
      `picture ${images[picture]!.hash} has ${features.length} feature values, its grid asks for ${rows} x ${hiddenSize}`,
    );
    rec.upload(tensor, features, starts[picture]! * hiddenSize);
    waiting += features.byteLength;
    if (waiting < WAITING_BYTES) return;
    waiting = 0;
    await rec.submit();
  });
  return tensor;
}

/**
 * @param featuresOf the features of the batch's images
 * @param scope holds every tensor of the stream
 * @throws model.tokenId, image.features, and what `featuresOf` throws
 */
export async function uploadStream(
  rec: Recorder,
  scope: Scope,
  batch: PackedBatch,
  featuresOf: FeaturesOf,
  config: ModelConfig,
): Promise<StreamInputs> {
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
  return {
    tokens,
    pairs: rangePairs(batch.ranges),
    ids: scope.upload(batch.ids),
    imageRow: scope.upload(batch.imageRow),
    features: await uploadFeatures(rec, scope, batch, featuresOf, config),
    table: scope.upload(table, [tokens, config.headSize]),
    tableRow: scope.upload(Uint32Array.from({ length: tokens }, (_, i) => i)),
    ranges: scope.upload(batch.ranges, [tokens, 4]),
    queryEnd: scope.upload(batch.queryEnd),
  };
}
