// Sampling of the grpo group: the kernel's probabilities for the stored logits.

import { rowsAndWidth } from '../../gpu/tensor';
import { logitsStride } from '../../ops/head';
import { processedProbabilities } from '../../ops/sampling';
import { compareTensor } from '../../reference/compare';
import { floats, integers, type ReferenceModel } from '../loadModel';
import type { ReferenceCase, TensorTolerance, VerifyContext } from '../../reference/types';

interface SamplingFile {
  cases: {
    name: string;
    options: {
      temperature?: number;
      top_k?: number;
      top_p?: number;
      min_p?: number;
      repetition_penalty?: number;
      suppress_tokens?: number[];
    };
  }[];
  tolerance: TensorTolerance;
}

/** Checks every case of `sampling.json`: penalty, suppressed tokens, temperature, top-k, top-p, min-p. */
export async function checkSampling(
  context: VerifyContext,
  entry: ReferenceCase,
  reference: ReferenceModel,
): Promise<void> {
  const { cases, tolerance } = (await context.folder.json(`${entry.path}/sampling.json`)) as SamplingFile;
  const tensors = await context.folder.tensors(`${entry.path}/sampling.safetensors`);
  const [rows, vocabulary] = rowsAndWidth('sampling: logits', { shape: tensors.get('logits')?.shape ?? [] });
  const logits = floats(tensors, 'logits');
  const history = integers(tensors, 'history');
  const stride = logitsStride(vocabulary);
  const words = Math.ceil(vocabulary / 32);
  const { rec } = reference.gpu;
  for (const { name, options } of cases) {
    const scope = rec.scope();
    const padded = new Float32Array(rows * stride);
    for (let r = 0; r < rows; r++) padded.set(logits.subarray(r * vocabulary, (r + 1) * vocabulary), r * stride);
    const masks = new Uint32Array((2 + rows) * words);
    for (const id of options.suppress_tokens ?? []) masks[id >>> 5]! |= 1 << (id & 31);
    history.forEach((id, i) => {
      const row = Math.floor(i / (history.length / rows));
      masks[(2 + row) * words + (id >>> 5)]! |= 1 << (id & 31);
    });
    const buffer = scope.upload(padded, [rows, stride]);
    processedProbabilities(
      rec,
      {
        logits: buffer,
        slots: scope.upload(Uint32Array.from({ length: rows * 2 }, (_, i) => i >> 1)),
        sequences: scope.upload(new Uint32Array(rows * 8)),
        state: scope.upload(new Uint32Array(rows * 3)),
        masks: scope.upload(masks),
      },
      {
        slots: rows,
        vocabulary,
        maxNew: 1,
        temperature: options.temperature ?? 1,
        topK: options.top_k ?? 0,
        topP: options.top_p ?? 1,
        minP: options.min_p ?? 0,
        repetitionPenalty: options.repetition_penalty ?? 1,
      },
    );
    const [bytes] = await rec.read(buffer);
    scope.release();
    const got = new Float32Array(rows * vocabulary);
    const all = new Float32Array(bytes);
    for (let r = 0; r < rows; r++) got.set(all.subarray(r * stride, r * stride + vocabulary), r * vocabulary);
    const want = floats(tensors, `probs.${name}`);
    context.report(compareTensor(`sampling ${name}`, got, want, [rows, vocabulary], tolerance));
  }
}
