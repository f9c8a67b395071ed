// The heart of GRPO: one row per prompt, its completions side by side, with rewards and advantages.

import { useMemo, useState } from 'react';
import type { GroupRecord } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { percent, plural } from '../format';
import { Icon } from '../parts/Icon';
import { rewardsOf } from '../store/rewards';
import type { RunView } from '../store/runView';
import { GroupRow, hasNoVariance, REWARD_FILLS } from './GroupRow';

/** The groups of the newest step, or of one that is chosen. */
export function Groups({ view, recipe }: { view: RunView; recipe: Recipe }): React.JSX.Element {
  const rewards = useMemo(() => rewardsOf(recipe), [recipe]);
  const [chosen, setChosen] = useState<number | null>(null);
  const steps = [...view.groups.keys()].sort((a, b) => a - b);
  const newest = steps[steps.length - 1] ?? 0;
  const step = chosen !== null && view.groups.has(chosen) ? chosen : newest;
  const groups = view.groups.get(step) ?? [];
  const first = groups[0];
  return (
    <section aria-label="Groups">
      <div className="sectionHead">
        <h2 className="heading">Groups</h2>
        <p className="soft wide">
          {plural(groups.length, 'prompt')}, {first?.completions.length ?? 0} completions each; a completion is judged
          against its own group
        </p>
        <GroupsLegend rewards={rewards.map(({ name }) => name)} />
      </div>
      <div className="card groups">
        <div className="groupsHead">
          <StepBrowser steps={steps} step={step} onChoose={(next) => setChosen(next === newest ? null : next)} />
          {step === newest ? (
            <span className="chip good">{view.summary ? 'Last step' : 'Following live'}</span>
          ) : (
            <button type="button" className="chip warm jump" onClick={() => setChosen(null)}>
              Jump to step {newest}
            </button>
          )}
          <p className="note groupsFacts num">{factsOf(groups, recipe)}</p>
        </div>
        <div className="groupRows" key={step}>
          {groups.map((group, i) => (
            <GroupRow key={i} group={group} rewards={rewards} />
          ))}
        </div>
      </div>
    </section>
  );
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

interface StepBrowserProps {
  steps: number[];
  step: number;
  onChoose(step: number): void;
}

function StepBrowser({ steps, step, onChoose }: StepBrowserProps): React.JSX.Element {
  const at = steps.indexOf(step);
  const [earlier, later] = [steps[at - 1], steps[at + 1]];
  return (
    <span className="stepBrowser num">
      <button
        type="button"
        className="iconButton"
        aria-label="Earlier step"
        disabled={earlier === undefined}
        onClick={() => earlier !== undefined && onChoose(earlier)}
      >
        <Icon name="left" size={11} />
      </button>
      <label>
        <span className="visuallyHidden">Step</span>
        <select value={step} onChange={(event) => onChoose(Number(event.currentTarget.value))}>
          {steps.map((option) => (
            <option key={option} value={option}>
              Step {option}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        className="iconButton"
        aria-label="Later step"
        disabled={later === undefined}
        onClick={() => later !== undefined && onChoose(later)}
      >
        <Icon name="right" size={11} />
      </button>
    </span>
  );
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
