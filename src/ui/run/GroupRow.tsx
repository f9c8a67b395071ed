// One prompt with its completions: picture, question, right answer; then each completion with its bars.

import { memo } from 'react';
import type { CompletionRecord, GroupRecord } from '../../protocol/messages';
import { fixed, signed } from '../format';
import { CompletionText } from '../parts/CompletionText';
import { Thumb } from '../parts/Thumb';

export interface GroupRowProps {
  group: GroupRecord;
  /** Weights of the rewards, in the order in which they are reported. */
  weights: readonly number[];
}

/** All completions of the group got the same reward: nothing to learn from their difference. */
export function hasNoVariance(group: GroupRecord): boolean {
  return group.completions.every(({ reward }) => reward === group.completions[0]?.reward);
}

/** A row of the groups table. */
export const GroupRow = memo(function GroupRow({ group, weights }: GroupRowProps): React.JSX.Element {
  const inForm = group.completions.filter((completion) => completion.inForm).length;
  const flat = hasNoVariance(group);
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
          <CompletionCell key={i} completion={completion} weights={weights} flat={flat} />
        ))}
      </div>
    </article>
  );
});

interface CellProps {
  completion: CompletionRecord;
  weights: readonly number[];
  flat: boolean;
}

function CompletionCell({ completion, weights, flat }: CellProps): React.JSX.Element {
  const parts = Object.entries(completion.rewards).map(([name, value], i) => ({
    name,
    value: value * (weights[i] ?? 1),
  }));
  const most = weights.reduce((sum, weight) => sum + Math.max(0, weight), 0) || 1;
  const title = parts.map(({ name, value }) => `${name} ${fixed(value)}`).join(' + ');
  return (
    <div className="cell">
      <CompletionText text={completion.text} />
      <div className={flat ? 'cellBars dim num' : 'cellBars num'}>
        <span className="note">reward</span>
        <span className="rewardBar" title={title} role="img" aria-label={title}>
          {parts.map(({ name, value }, i) => (
            <i
              key={name}
              className={i === 0 ? 'solid' : 'hatched'}
              style={{ width: `${(100 * Math.max(0, value)) / most}%` }}
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
