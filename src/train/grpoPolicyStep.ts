// Loss and gradient of one GRPO optimizer step, given its rollouts. Micro-batches decide how losses are averaged;
// what goes through the model together is decided by groups and memory alone.

import type { GrpoOptions } from '../recipe/config';
import { smallerTraining } from '../budgets/smaller';
import { workOf, type WorkTokens } from '../budgets/together';
import { relieved } from '../infer/relief';
import { openPass, scoreLabels, type LabelValues, type OpenPass } from './lossPass';
import { clearGradient } from './optimizer';
import { policyLoss } from './policy/policyLoss';
import type { PolicySequence } from './policy/policyLossTypes';
import { meanOfMetrics } from './policy/policyMetrics';
import type { RolloutContext } from './rollout';
import { lengthsOf, packParts, type RolloutPack } from './rolloutPacks';
import type { Rollout } from './rolloutTypes';
import type { GrpoMicroStep } from './sampler';
import { rolloutShape } from './schedule';
import { byLabel, bySequence } from './sequences';

type PolicyContext = Pick<RolloutContext, 'trainee' | 'rows' | 'pack' | 'options' | 'reporter'>;

interface StepPack extends RolloutPack {
  rollout: Rollout;
}

/** Per rollout and completion; entries of completions that the step leaves out are undefined. */
type PerCompletion<T> = Map<Rollout, T[]>;

function packsOf(
  context: Pick<RolloutContext, 'rows' | 'pack' | 'options' | 'trainee'>,
  rollouts: ReadonlyMap<number, Rollout>,
  steps: readonly GrpoMicroStep[],
) {
  const { tokensTogether } = context.trainee.decisions.grpo;
  return [...rollouts.values()].flatMap((rollout): StepPack[] => {
    const wanted = rollout.texts.map(() => false);
    for (const { rollout: index, slice } of steps) {
      if (index === rollout.index) rollout.slices[slice]!.forEach((i) => (wanted[i] = true));
    }
    return packParts(context, rollout, wanted, tokensTogether).map((pack) => ({ ...pack, rollout }));
  });
}

/** The sequences of one pack as the loss sees them. */
function sequencesOf(pack: StepPack, values: LabelValues): PolicySequence[] {
  const { rollout, sequences, batch } = pack;
  const logp = bySequence(batch.labels, values.logp, sequences.length);
  const entropy = bySequence(batch.labels, values.entropy, sequences.length);
  const completions = rollout.completions.flat();
  return sequences.map((i, s) => ({
    logp: logp[s]!,
    old: rollout.old && rollout.old[i]!,
    ref: rollout.ref && rollout.ref[i]!,
    entropy: entropy[s]!,
    mask: new Float64Array(logp[s]!.length).fill(1),
    advantage: rollout.advantages[i]!,
    truncated: !completions[i]!.terminated,
  }));
}

/** Live tokens of a whole rollout: completions that the step leaves out count too. */
function liveTokens(rollout: Rollout, options: GrpoOptions): number {
  return rollout.completions.flat().reduce((sum, { ids, terminated }) => {
    const dropped = options.mask_truncated_completions && !terminated;
    return sum + (dropped ? 0 : ids.length);
  }, 0);
}

function addTo(target: Float64Array[], index: number, values: Float64Array): void {
  const old = target[index];
  target[index] = old ? old.map((value, t) => value + values[t]!) : values;
}

interface Coefficients {
  loss: number;
  metrics: Record<string, number>;
  c: PerCompletion<Float64Array>;
  e: PerCompletion<Float64Array>;
}

/** Sums the losses of the step's micro-batches, and their coefficients per completion. */
function stepCoefficients(
  options: GrpoOptions,
  rollouts: ReadonlyMap<number, Rollout>,
  steps: readonly GrpoMicroStep[],
  sequences: PerCompletion<PolicySequence>,
): Coefficients {
  const { stepsPerGeneration } = rolloutShape(options);
  const out: Coefficients = { loss: 0, metrics: {}, c: new Map(), e: new Map() };
  const metrics: Record<string, number>[] = [];
  for (const rollout of rollouts.values()) {
    out.c.set(rollout, []);
    out.e.set(rollout, []);
  }
  for (const { rollout: index, slice } of steps) {
    const rollout = rollouts.get(index)!;
    const rows = Array.from(rollout.slices[slice]!);
    const part = policyLoss(
      rows.map((i) => sequences.get(rollout)![i]!),
      options,
      {
        gradientAccumulationSteps: steps.length,
        stepsPerGeneration,
        itemsInBatch: liveTokens(rollout, options),
      },
    );
    out.loss += part.loss;
    metrics.push(part.metrics);
    rows.forEach((i, s) => {
      addTo(out.c.get(rollout)!, i, part.c[s]!);
      addTo(out.e.get(rollout)!, i, part.e[s]!);
    });
  }
  return { ...out, metrics: meanOfMetrics(metrics) };
}

/** Loss and gradient with the packs as memory allows them now. */
async function lossAndGradient(
  context: PolicyContext,
  rollouts: ReadonlyMap<number, Rollout>,
  steps: readonly GrpoMicroStep[],
  place: { step: number; steps: number },
): Promise<{ loss: number; metrics: Record<string, number> }> {
  const { trainee, options, reporter } = context;
  const { temperature } = options;
  const passOptions = { temperature, keptLayers: trainee.decisions.grpo.keptLayers };
  const packs = packsOf(context, rollouts, steps);
  const total = packs.reduce((sum, { sequences }) => sum + sequences.length, 0);
  const report = (done: number) => reporter.progress({ phase: 'backward', done, total, unit: 'completions', ...place });
  report(0);
  // With one pack its forward pass is kept open; with several, each is run again once all coefficients are known.
  const [first, ...others] = packs;
  const only: OpenPass | undefined =
    first && others.length === 0 ? await openPass(trainee, first.batch, passOptions) : undefined;
  const sequences: PerCompletion<PolicySequence> = new Map([...rollouts.values()].map((rollout) => [rollout, []]));
  for (const pack of packs) {
    const values = only?.values ?? (await scoreLabels(trainee, pack.batch, { temperature, withAdapter: true }));
    sequencesOf(pack, values).forEach((sequence, s) => {
      sequences.get(pack.rollout)![pack.sequences[s]!] = sequence;
    });
  }
  const { loss, metrics, c, e } = stepCoefficients(options, rollouts, steps, sequences);
  clearGradient(trainee.gpu, trainee.adapter);
  let done = 0;
  for (const { batch, rollout, sequences: own } of packs) {
    const pass = only ?? (await openPass(trainee, batch, passOptions));
    const part = (values: PerCompletion<Float64Array>) =>
      byLabel(
        batch.labels,
        own.map((i) => values.get(rollout)![i]!),
      );
    await pass.backward(part(c), part(e));
    report((done += own.length));
  }
  // The update comes next: it must not act on a gradient that a lack of memory has left short.
  await trainee.gpu.settled();
  return { loss, metrics };
}

/** Tokens of the step's largest pack, and of its longest completion with the prompt. */
function stepWork(
  context: PolicyContext,
  rollouts: ReadonlyMap<number, Rollout>,
  steps: readonly GrpoMicroStep[],
): WorkTokens {
  const whole = packsOf(context, rollouts, steps).map(({ batch }) => batch.tokens);
  const lengths = [...rollouts.values()].flatMap((rollout) => lengthsOf(context.rows, rollout));
  return { whole: Math.max(...whole), piece: workOf(lengths).piece };
}

/**
 * The policy loss of one optimizer step, its gradient left in the adapter's gradient buffer. Where memory runs out, it
 * is computed again in smaller packs.
 * @param rollouts every rollout that `steps` names, by index
 * @returns the loss as TRL logs it (summed over the micro-batches, each divided already) and TRL's metrics, means over
 * the micro-batches
 */
export function policyStep(
  context: PolicyContext,
  rollouts: ReadonlyMap<number, Rollout>,
  steps: readonly GrpoMicroStep[],
  place: { step: number; steps: number },
): Promise<{ loss: number; metrics: Record<string, number> }> {
  const { trainee } = context;
  return relieved(
    trainee,
    () => smallerTraining(trainee.decisions, 'grpo', stepWork(context, rollouts, steps)),
    () => lossAndGradient(context, rollouts, steps, place),
  );
}
