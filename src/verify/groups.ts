// Which verifier checks which kind of case. A kind without one is listed as not covered.

import { verifyGrpo } from './groups/grpo';
import { verifyImage } from './groups/image';
import { verifyLora } from './groups/lora';
import { verifyModel } from './groups/model';
import { verifyNf4 } from './groups/nf4';
import { verifyRewards } from './groups/rewards';
import { verifyTokenizer } from './groups/tokenizer';
import type { Verifier } from '../reference/types';

export const VERIFIERS: ReadonlyMap<string, Verifier> = new Map<string, Verifier>([
  ['tokenizer', verifyTokenizer],
  ['image', verifyImage],
  ['model', verifyModel],
  ['lora', verifyLora],
  ['grpo', verifyGrpo],
  ['rewards', verifyRewards],
  ['nf4', verifyNf4],
]);
