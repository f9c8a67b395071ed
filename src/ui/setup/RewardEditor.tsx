// Rewards of the user's own: name, weight and JavaScript of each, and a try on the data at hand.

import { useId, useState } from 'react';
import type { Recipe } from '../../recipe/config';
import { OWN_REWARDS_OFF } from '../../rewards/userRewardWorker';
import { Icon } from '../parts/Icon';
import { recipeProblem } from '../recipe/readRecipe';
import { withWeight } from '../recipe/rewardChoices';
import { useDevice } from '../store/device';
import { RewardPreview } from './RewardPreview';
import { ownRewards, withNewReward, withOwnReward, withoutReward, type OwnReward } from '../recipe/userRewards';

export interface RewardEditorProps {
  recipe: Recipe;
  onChange(recipe: Recipe): void;
}

const CODE_ROWS = { least: 6, most: 20 };

/** The list of the recipe's own rewards. Names and weights that cannot be are marked and not taken over. */
export function RewardEditor({ recipe, onChange }: RewardEditorProps): React.JSX.Element {
  const own = ownRewards(recipe);
  const off = useDevice(({ guard }) => guard?.ownRewards === false);
  return (
    <section className="rewardEditor" aria-label="Rewards of your own">
      {own.map((entry) => (
        <RewardFields key={entry.index} entry={entry} recipe={recipe} onChange={onChange} />
      ))}
      <div className="rowBetween">
        <button type="button" className="button compact" disabled={off} onClick={() => onChange(withNewReward(recipe))}>
          Add a reward of your own
        </button>
        <span className="note">
          {off ? OWN_REWARDS_OFF : 'JavaScript, run in a worker that has no network and no storage.'}
        </span>
      </div>
    </section>
  );
}

function RewardFields({ entry, recipe, onChange }: RewardEditorProps & { entry: OwnReward }): React.JSX.Element {
  const { index, reward, weight } = entry;
  const id = useId();
  const change = (part: { name?: string; javascript?: string }): Recipe =>
    withOwnReward(recipe, index, { ...reward, ...part });
  const lines = reward.javascript.split('\n').length;
  return (
    <article className="ownReward" aria-label={`Reward ${reward.name}`}>
      <div className="ownRewardHead">
        <DraftField
          label="name"
          value={reward.name}
          problemOf={(name) => nameProblem(recipe, change({ name }))}
          onChange={(name) => onChange(change({ name }))}
        />
        <DraftField
          label="weight"
          value={String(weight)}
          problemOf={(text) => (text.trim() !== '' && Number.isFinite(Number(text)) ? null : 'a number')}
          onChange={(text) => onChange(withWeight(recipe, index, Number(text)))}
        />
        <button
          type="button"
          className="button compact quiet"
          aria-label={`Remove the reward ${reward.name}`}
          onClick={() => onChange(withoutReward(recipe, index))}
        >
          <Icon name="close" size={10} /> Remove
        </button>
      </div>
      <div className="field">
        <label className="name" htmlFor={id}>
          javascript
        </label>
        <textarea
          id={id}
          className="code"
          rows={Math.min(CODE_ROWS.most, Math.max(CODE_ROWS.least, lines))}
          value={reward.javascript}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          wrap="off"
          onChange={(event) => onChange(change({ javascript: event.currentTarget.value }))}
        />
        <span className="note">
          Define scoreRow(row, index), or score(batch) with lists: completions, answers, questions, thoughts, lengths.
        </span>
      </div>
      <RewardPreview reward={reward} recipe={recipe} />
    </article>
  );
}

/** What a new name would make wrong; what was wrong before is said elsewhere. */
function nameProblem(recipe: Recipe, renamed: Recipe): string | null {
  const problem = recipeProblem(renamed)?.message ?? null;
  return problem === recipeProblem(recipe)?.message ? null : problem;
}

interface DraftFieldProps {
  label: string;
  value: string;
  problemOf(text: string): string | null;
  onChange(text: string): void;
}

/** A text that is taken over while it can be; until then it stays as typed, with what is wrong. */
function DraftField({ label, value, problemOf, onChange }: DraftFieldProps): React.JSX.Element {
  const [draft, setDraft] = useState<string | null>(null);
  const problem = draft === null || draft === value ? null : problemOf(draft);
  return (
    <label className="field">
      <span className="name">{label}</span>
      <input
        type="text"
        value={draft ?? value}
        aria-invalid={problem !== null}
        onChange={(event) => {
          const text = event.currentTarget.value;
          setDraft(text);
          if (problemOf(text) === null) onChange(text);
        }}
        onBlur={() => problem === null && setDraft(null)}
      />
      {problem && <span className="note badText">{problem}</span>}
    </label>
  );
}
