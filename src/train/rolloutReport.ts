// What is shown and logged of a rollout: the groups table and TRL's metrics of a generation.

import type { GroupRecord } from '../protocol/messages';
import { isInForm } from '../rewards/format';
import type { Advantages } from './advantages';
import { completionMetrics } from './groupMetrics';
import type { MadeRollout, RolloutContext } from './rollout';

/** One record per group, for the page's table and completions.jsonl. */
export function groupRecords(
  context: Pick<RolloutContext, 'rows' | 'rewards'>,
  { rollout, advantages }: MadeRollout,
): GroupRecord[] {
  let next = 0;
  return rollout.rows.map((row, g) => {
    const { image, imageName, question, answer } = context.rows[row]!;
    return {
      image,
      imageName,
      question,
      answer,
      rewardMean: advantages.groupMean[g]!,
      rewardStd: advantages.groupStd[g]!,
      completions: rollout.completions[g]!.map((completion) => {
        const i = next++;
        return {
          text: rollout.texts[i]!,
          length: completion.ids.length,
          terminated: completion.terminated,
          rewards: Object.fromEntries(context.rewards.map(({ name }, f) => [name, rollout.rewards[i]![f] ?? NaN])),
          reward: advantages.rewards[i]!,
          advantage: advantages.advantages[i]!,
          inForm: isInForm(rollout.texts[i]!),
        };
      }),
    };
  });
}

function formatCompliance(texts: readonly string[]): number {
  return texts.filter(isInForm).length / texts.length;
}

/**
 * Rewards, lengths and compliance of a rollout, with TRL's names.
 * @param rows the stage's training rows @param tokensBefore tokens of the stage's earlier rollouts
 */
export function rolloutMetrics(
  rows: RolloutContext['rows'],
  { rollout, advantages }: { rollout: MadeRollout['rollout']; advantages: Advantages },
  tokensBefore: number,
): Record<string, number> {
  const flat = rollout.completions.flat();
  const lengths = completionMetrics({
    lengths: flat.map(({ ids }) => ids.length),
    terminated: flat.map(({ terminated }) => terminated),
    promptLengths: rollout.rows.flatMap((row, g) => rollout.completions[g]!.map(() => rows[row]!.prompt.ids.length)),
    tokensBefore,
  });
  return { ...advantages.metrics, format_compliance: formatCompliance(rollout.texts), ...lengths };
}
