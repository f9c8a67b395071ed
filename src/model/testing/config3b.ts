// The sizes of Qwen2.5-VL-3B-Instruct. For tests only.

import demoConfig from '../../../public/demo/model/config.json';
import { parseModelConfig, type ModelConfig } from '../config';

const DEMO = parseModelConfig(demoConfig);

/** Source: config.json of Qwen/Qwen2.5-VL-3B-Instruct. */
export const CONFIG_3B: ModelConfig = {
  ...DEMO,
  hiddenSize: 2048,
  intermediateSize: 11_008,
  layers: 36,
  heads: 16,
  kvHeads: 2,
  headSize: 128,
  vocabSize: 151_936,
  ropeTheta: 1e6,
  mropeSection: [16, 24, 24],
  tieWordEmbeddings: true,
  maxPositions: 128_000,
  imageTokenId: 151_655,
  videoTokenId: 151_656,
  visionStartTokenId: 151_652,
  visionEndTokenId: 151_653,
  eosTokenIds: [151_645, 151_643],
  padTokenId: 151_643,
  vision: {
    ...DEMO.vision,
    depth: 32,
    hiddenSize: 1280,
    intermediateSize: 3420,
    heads: 16,
    headSize: 80,
    outHiddenSize: 2048,
    windowSize: 112,
    fullAttentionBlocks: [7, 15, 23, 31],
  },
};
