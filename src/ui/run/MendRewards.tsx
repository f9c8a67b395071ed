// After an error of one of the user's own rewards: its text, to be put right, and the way to go on.

import { useId, useState } from 'react';
import type { ErrorRecord } from '../../base/errors';
import type { Recipe, UserReward } from '../../recipe/config';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { RewardPreview } from '../setup/RewardPreview';
import { ownRewards } from '../recipe/userRewards';
import type { StoredRun } from '../store/history';
import { ResumeButton } from './ResumeButton';

const MOST_ROWS = 20;

export interface MendRewardsProps {
  run: StoredRun;
  recipe: Recipe;
  error: ErrorRecord;
}

/** Faults of the page and its server, which no text of a reward cures. */
const NOT_OF_THE_TEXT = new Set(['reward.encoder', 'reward.unguarded']);

/** Whether an error is one that mending a user's reward can cure. */
export function isMendable(error: ErrorRecord, recipe: Recipe): boolean {
  return error.code.startsWith('reward.') && !NOT_OF_THE_TEXT.has(error.code) && ownRewards(recipe).length > 0;
}

/** The card under the error's banner. Only the texts of the run's own rewards can be changed. */
export function MendRewards({ run, recipe, error }: MendRewardsProps): React.JSX.Element {
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [problem, attempt] = useAttempt();
  const own = ownRewards(recipe).map(({ reward }) => reward);
  // The others stay folded away. An older run's log does not say which reward it was.
  const named = own.filter(({ name }) => name === error.detail?.reward);
  const shown = named.length > 0 ? named : own;
  return (
    <section className="card mendCard" aria-label="Mend the reward">
      <h2 className="heading">Mend the reward and go on</h2>
      <p className="soft">
        The run keeps all its steps: it goes on from its newest checkpoint with the reward as it is below. Every other
        setting stays.
      </p>
      {shown.map((reward) => (
        <RewardText
          key={reward.name}
          reward={{ ...reward, javascript: texts[reward.name] ?? reward.javascript }}
          recipe={recipe}
          onChange={(text) => setTexts((before) => ({ ...before, [reward.name]: text }))}
        />
      ))}
      <ProblemText problem={problem} />
      <div className="buttons">
        <ResumeButton
          record={run.record}
          mended={mendedRecipe(recipe, texts)}
          label="Resume with this reward"
          attempt={attempt}
        />
      </div>
    </section>
  );
}

function mendedRecipe(recipe: Recipe, texts: Record<string, string>): Recipe {
  const reward_funcs = recipe.grpo.reward_funcs.map((reward) =>
    typeof reward === 'string' ? reward : { ...reward, javascript: texts[reward.name] ?? reward.javascript },
  );
  return { ...recipe, grpo: { ...recipe.grpo, reward_funcs } };
}

interface TextProps {
  reward: UserReward;
  recipe: Recipe;
  onChange(text: string): void;
}

function RewardText({ reward, recipe, onChange }: TextProps): React.JSX.Element {
  const id = useId();
  const lines = reward.javascript.split('\n').length;
  return (
    <>
      <div className="field">
        <label className="name" htmlFor={id}>
          {reward.name}
        </label>
        <textarea
          id={id}
          className="code"
          rows={Math.min(MOST_ROWS, lines + 1)}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          wrap="off"
          value={reward.javascript}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      </div>
      <RewardPreview reward={reward} recipe={recipe} />
    </>
  );
}
