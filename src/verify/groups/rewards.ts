// Checks of the rewards group: the format reward exactly, and the semantic reward with the shipped int8 encoder.

import { formatReward, predictedAnswer } from '../../rewards/format';
import type { SentenceEncoder } from '../../rewards/minilm';
import { cosine, embeddedAnswer, rememberEmbeddings } from '../../rewards/semantic';
import { compareExact, compareTensor } from '../../reference/compare';
import type { ReferenceCase, Verifier, VerifyContext } from '../../reference/types';

interface FormatFile {
  cases: { completion: string; format_reward: number; prediction: string }[];
}

interface SemanticFile {
  pairs: { ground_truth: string; ground_truth_embedded: string; prediction: string; cosine_int8?: number }[];
  wordpiece_ids: Record<string, number[]>;
  tolerance: { cosine_int8?: { atol: number } };
}

/**
 * Checks `format.json`: reward and predicted answer of every completion, equal.
 * @param context where results go @param entry a case of kind `rewards`
 */
export async function verifyFormat(context: VerifyContext, entry: ReferenceCase): Promise<void> {
  const { cases } = (await context.folder.json(`${entry.path}/format.json`)) as FormatFile;
  const texts = cases.map(({ completion }) => completion);
  const name = `${entry.id} ${cases.length} completions`;
  const rewards = cases.map((record) => record.format_reward);
  context.report(compareExact(`${name}: format reward`, texts.map(formatReward), rewards));
  const predictions = cases.map(({ prediction }) => prediction);
  context.report(compareExact(`${name}: predicted answer`, texts.map(predictedAnswer), predictions));
}

/** Checks the tokens and the cosines of `semantic.json` with a loaded encoder. */
export async function verifySemantic(
  context: VerifyContext,
  entry: ReferenceCase,
  encoder: SentenceEncoder,
): Promise<void> {
  const file = (await context.folder.json(`${entry.path}/semantic.json`)) as SemanticFile;
  const texts = Object.keys(file.wordpiece_ids);
  const tokens = texts.flatMap((text) => [text, ...encoder.tokenize(text).map(String)]);
  const wanted = texts.flatMap((text) => [text, ...file.wordpiece_ids[text]!.map(String)]);
  context.report(compareExact(`${entry.id} wordpiece ids of ${texts.length} texts`, tokens, wanted));

  const truths = file.pairs.map((pair) => embeddedAnswer(pair.ground_truth));
  const embedded = file.pairs.map((pair) => pair.ground_truth_embedded);
  context.report(compareExact(`${entry.id} embedded truths`, truths, embedded));

  const want = file.pairs.map((pair) => pair.cosine_int8);
  const atol = file.tolerance.cosine_int8?.atol;
  if (atol === undefined || !want.every((value) => value !== undefined)) {
    context.uncovered(`${entry.id} cosines of the float32 encoder (the folder has no column for the shipped int8 one)`);
    return;
  }
  const rows = async (values: string[]): Promise<Float32Array[]> => {
    const flat = await encoder.embed(values);
    return values.map((_, i) => flat.subarray(i * encoder.width, (i + 1) * encoder.width));
  };
  const embeddings = await rememberEmbeddings(rows)([...truths, ...file.pairs.map((pair) => pair.prediction)]);
  const got = truths.map((_, i) => cosine(embeddings[i]!, embeddings[truths.length + i]!));
  const name = `${entry.id} cosines of the shipped int8 encoder`;
  context.report(compareTensor(name, got, want, [want.length], { atol, rtol: 0 }));
}

/** Checks a case of kind `rewards`; the encoder runs in this worker. */
export const verifyRewards: Verifier = async (context, entry) => {
  await verifyFormat(context, entry);
  // Loaded only here, so that the rest of the checks starts without 37 MB of encoder.
  const { loadMiniLm } = await import('../../rewards/minilm');
  await verifySemantic(context, entry, await loadMiniLm());
};
