// The heart of GRPO: one row per prompt, its completions side by side, with rewards and advantages.

import { useMemo, useState } from 'react';
import type { GroupRecord } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { percent, plural } from '../format';
import { ProblemText } from '../parts/ProblemText';
import { rewardsOf } from '../recipe/rewards';
import { isBusy } from '../store/run';
import type { RunView } from '../store/runView';
import { groupStepAt } from '../store/series';
import { GroupRow, hasNoVariance, REWARD_FILLS } from './GroupRow';
import { StepPicker } from './StepPicker';
import { useStepGroups } from './useStepGroups';

/** The groups of the newest step, or of one that is chosen. */
export function Groups({ view, recipe }: { view: RunView; recipe: Recipe }): React.JSX.Element {
  const rewards = useMemo(() => rewardsOf(recipe), [recipe]);
  const [chosen, setChosen] = useState<number | null>(null);
  const { groupSteps } = view;
  const newest = groupSteps[groupSteps.length - 1]?.step ?? 0;
  const step = chosen !== null && groupStepAt(view, chosen) ? chosen : newest;
  const { shown, problem } = useStepGroups(view, step);
  const groups = shown?.groups ?? [];
  return (
    <section aria-label="Groups">
      <div className="sectionHead">
        <h2 className="heading">Groups</h2>
        <p className="soft wide">
          {plural(groups.length, 'prompt')}, {groups[0]?.completions.length ?? 0} completions each; a completion is
          judged against its own group
        </p>
        <GroupsLegend rewards={rewards.map(({ name }) => name)} />
      </div>
      <div className="card groups">
        <div className="groupsHead">
          <StepPicker steps={groupSteps} step={step} onChoose={(next) => setChosen(next === newest ? null : next)} />
          {step === newest ? (
            <span className="chip good">{isFollowed(view) ? 'Following live' : 'Last step'}</span>
          ) : (
            <button type="button" className="chip warm jump" onClick={() => setChosen(null)}>
              Jump to step {newest}
            </button>
          )}
          {shown?.groups && <p className="note groupsFacts num">{factsOf(groups, recipe)}</p>}
        </div>
        <ProblemText problem={problem} />
        {shown?.groups === null && (
          <p className="emptyNote">The browser could not store the completions of step {shown.step}.</p>
        )}
        <div className="groupRows" key={shown?.step} aria-busy={shown?.step !== step}>
          {groups.map((group, i) => (
            <GroupRow key={i} group={group} rewards={rewards} />
          ))}
        </div>
      </div>
    </section>
  );
}

/** Further steps may come by themselves. */
function isFollowed(view: RunView): boolean {
  return view.state === 'elsewhere' || isBusy(view);
}

function factsOf(groups: readonly GroupRecord[], recipe: Recipe): string {
  const completions = groups.flatMap((group) => group.completions);
  const flat = groups.filter(hasNoVariance).length;
  const clipped = completions.filter((completion) => !completion.terminated).length;
  const inForm = completions.filter((completion) => completion.inForm).length;
  return [
    `${flat} of ${groups.length} groups without variance`,
    `${clipped} of ${completions.length} cut at ${recipe.grpo.max_completion_length} tokens`,
    `${completions.length === 0 ? '–' : percent(inForm / completions.length)} in form`,
  ].join(' · ');
}

/** What the colours of tags mean, and the fills of the bars of these rewards. */
export function GroupsLegend({ rewards }: { rewards: readonly string[] }): React.JSX.Element {
  return (
    <p className="legend groupsLegend note" aria-hidden="true">
      <span className="completion">
        <span className="thoughtTag">thought</span>
      </span>
      <span className="completion">
        <span className="answerTag">answer</span>
      </span>
      <span className="completion">
        <span className="brokenTag">broken tag</span>
      </span>
      <span className="completion">
        <span className="outside">outside</span>
      </span>
      {rewards.map((name, i) => (
        <span key={name} className="wide">
          <i className={`barKey ${REWARD_FILLS[i % REWARD_FILLS.length]}`} /> {name.replaceAll('_', ' ')}
        </span>
      ))}
    </p>
  );
}
