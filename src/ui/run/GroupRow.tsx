// One prompt with its completions: picture, question, right answer; then each completion with its bars.

import { memo } from 'react';
import type { CompletionRecord, GroupRecord } from '../../protocol/messages';
import { fixed, signed } from '../format';
import { CompletionText } from '../parts/CompletionText';
import { Thumb } from '../parts/Thumb';
import type { RewardView } from '../recipe/rewards';

/** Fills of reward bars, by the reward's place in the recipe. */
export const REWARD_FILLS = ['solid', 'hatched', 'dotted', 'pale'] as const;

export interface GroupRowProps {
  group: GroupRecord;
  /** The recipe's rewards. */
  rewards: readonly RewardView[];
}

/** All completions of the group got the same reward: nothing to learn from their difference. */
export function hasNoVariance(group: GroupRecord): boolean {
  return group.completions.every(({ reward }) => reward === group.completions[0]?.reward);
}

/** A row of the groups table. */
export const GroupRow = memo(function GroupRow({ group, rewards }: GroupRowProps): React.JSX.Element {
  const inForm = group.completions.filter((completion) => completion.inForm).length;
  const flat = hasNoVariance(group);
  const most = fullBar(group, rewards);
  return (
    <article className="groupRow" aria-label={group.question}>
      <div className="prompt">
        <Thumb hash={group.image} alt={group.imageName} size={96} />
        <div>
          <h3 className="label">{group.question}</h3>
          <p className="rightAnswer">
            right answer <strong>{group.answer}</strong>
          </p>
          <p className="note num">
            reward {fixed(group.rewardMean)} ± {fixed(group.rewardStd)}
            <br />
            {inForm} of {group.completions.length} in form
          </p>
          {flat && <p className="chip">no variance</p>}
        </div>
      </div>
      <div className="completions">
        {group.completions.map((completion, i) => (
          <CompletionCell key={i} completion={completion} rewards={rewards} most={most} flat={flat} />
        ))}
      </div>
    </article>
  );
});

/** What a full reward bar stands for: the most that the weights allow, else the most that the group reached. */
function fullBar(group: GroupRecord, rewards: readonly RewardView[]): number {
  const known = rewards.every(({ bounds, weight }) => bounds !== null || weight === 0);
  const most = rewards.reduce((sum, { weight, bounds }) => {
    return sum + Math.max(0, ...(bounds ?? []).map((bound) => weight * bound));
  }, 0);
  if (known && most > 0) return most;
  const reached = group.completions.map((completion) =>
    partsOf(completion, rewards).reduce((sum, { value }) => sum + Math.max(0, value), 0),
  );
  return Math.max(0, ...reached) || 1;
}

/** Weighted rewards of a completion; a reward that does not apply to it counts nothing. */
function partsOf(
  { rewards: values }: CompletionRecord,
  rewards: readonly RewardView[],
): { name: string; value: number; none: boolean }[] {
  return Object.entries(values).map(([name, value]) => {
    const none = !Number.isFinite(value);
    const weight = rewards.find((reward) => reward.name === name)?.weight ?? 1;
    return { name, value: none ? 0 : value * weight, none };
  });
}

interface CellProps {
  completion: CompletionRecord;
  rewards: readonly RewardView[];
  /** What a full bar stands for. */
  most: number;
  flat: boolean;
}

function CompletionCell({ completion, rewards, most, flat }: CellProps): React.JSX.Element {
  const parts = partsOf(completion, rewards);
  const title = parts.map(({ name, value, none }) => `${name} ${none ? 'does not apply' : fixed(value)}`).join(' + ');
  return (
    <div className="cell">
      <CompletionText text={completion.text} />
      <div className={flat ? 'cellBars dim num' : 'cellBars num'}>
        <span className="note">reward</span>
        <span className="rewardBar" title={title} role="img" aria-label={title}>
          {parts.map(({ name, value }, i) => (
            <i
              key={name}
              className={REWARD_FILLS[i % REWARD_FILLS.length]}
              style={{ width: `${Math.min(100, (100 * Math.max(0, value)) / most)}%` }}
            />
          ))}
        </span>
        <span className="warmText label">{fixed(completion.reward)}</span>
        <span className="note">advantage</span>
        <AdvantageBar value={completion.advantage} />
        <span className={advantageClass(completion.advantage)}>{signed(completion.advantage)}</span>
      </div>
    </div>
  );
}

/** Neither gain nor loss where the group does not tell its completions apart. */
function advantageClass(advantage: number): string {
  return advantage < 0 ? 'fall label' : advantage > 0 ? 'rise label' : 'label';
}

/** Zero in the middle, 2 at the ends. */
function AdvantageBar({ value }: { value: number }): React.JSX.Element {
  const share = Math.min(1, Math.abs(value) / 2) * 50;
  return (
    <span className="advantageBar" aria-hidden="true">
      <i
        className={value < 0 ? 'negative' : 'positive'}
        style={{ left: `${value < 0 ? 50 - share : 50}%`, width: `max(1px, ${share}%)` }}
      />
    </span>
  );
}
