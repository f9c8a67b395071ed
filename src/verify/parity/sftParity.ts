// Our SFT loop on a TRL run's rows, options and starting adapter.

import { encodeExample, type Example } from '../../data/encode';
import type { LoraAdapter } from '../../model/lora';
import type { Recipe } from '../../recipe/config';
import { sftStepBatches } from '../../train/sampler';
import { sftLoop } from '../../train/sftLoop';
import { newStage } from '../../train/stageState';
import { LorikeetError } from '../../base/errors';
import type { DemoModel } from './demoModel';
import { sameLists, type Nested } from './facts';
import type { ParityFact } from './messages';
import { watchStage, type StageWatch } from './stageWatch';
import type { TrlRun } from './trlFolder';

async function examplesOf(demo: DemoModel, run: TrlRun, recipe: Recipe): Promise<Example[]> {
  const { max_length, completion_only_loss } = recipe.sft;
  const options = { ...recipe, max_length, completion_only_loss };
  return Promise.all(
    demo.rows.slice(0, run.rows).map(async (row, i) => {
      const encoded = encodeExample(row, [await demo.imageOf(row)], options, demo.encode);
      if (!encoded.ok) throw new LorikeetError(encoded.problem.code, `row ${i}: ${encoded.problem.message}`);
      return encoded.value;
    }),
  );
}

function factsOf(run: TrlRun, recipe: Recipe, examples: readonly Example[]): ParityFact[] {
  const steps = run.steps.map((_, step): Nested => {
    const { batches } = sftStepBatches(run.rows, recipe.sft, run.seed, step);
    return batches.map((batch) => Array.from(batch));
  });
  const seen = Object.entries(run.tokens ?? {});
  const mine = seen.map(([row]): Nested => {
    const { ids, labelMask } = examples[Number(row)]!;
    return [Array.from(ids), Array.from(labelMask)];
  });
  // The first token is never predicted, whatever the collator says of it.
  const theirs = seen.map(([, { ids, labels }]): Nested => [ids, [0, ...labels.slice(1)]]);
  return [
    sameLists('order of rows', steps, run.microBatches ?? [], 'every micro-batch of every step, from the seed alone'),
    sameLists('tokens and labels', mine, theirs, `${seen.length} rows`),
  ];
}

/** Runs the loop. @returns what has to be the same beforehand, and the watch with the steps */
export async function runSft(
  demo: DemoModel,
  run: TrlRun,
  recipe: Recipe,
  adapter: LoraAdapter,
): Promise<{ facts: ParityFact[]; watch: StageWatch }> {
  const { gpu, model, featuresOf, decisions } = demo;
  const examples = await examplesOf(demo, run, recipe);
  const watch = watchStage(gpu, adapter);
  await sftLoop(
    {
      trainee: { gpu, model, adapter, featuresOf, decisions },
      examples,
      pack: demo.encode.model,
      options: recipe.sft,
      loraDropout: recipe.lora.lora_dropout,
      seed: run.seed,
      control: watch.control,
      reporter: watch.reporter,
      evaluate: async () => null,
      saves: { save: async () => undefined, owes: () => false },
    },
    newStage(),
    () => undefined,
  );
  return { facts: factsOf(run, recipe, examples), watch };
}
