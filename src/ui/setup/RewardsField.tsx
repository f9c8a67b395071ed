// Which rewards score completions, and their weights: the built-in ones to tick. The user's own are edited below.

import { useState } from 'react';
import type { BuiltInReward, Recipe } from '../../recipe/config';
import { fieldProblem, type RecipeField } from '../recipe/recipeFields';
import { BUILT_IN_REWARD_HELP } from '../recipe/recipeGroups';
import { withBuiltIn, withWeight } from '../recipe/rewardChoices';

export interface RewardsFieldProps {
  /** `reward_funcs`. */
  field: RecipeField;
  recipe: Recipe;
  onChange(recipe: Recipe): void;
}

/** The built-in part of `reward_funcs` and `reward_weights`. The last reward cannot be taken out. */
export function RewardsField({ field, recipe, onChange }: RewardsFieldProps): React.JSX.Element {
  const { reward_funcs: funcs, reward_weights: weights } = recipe.grpo;
  const weightOf = (index: number): number => weights?.[index] ?? 1;
  const toggle = (name: BuiltInReward, on: boolean): void => {
    const next = withBuiltIn(recipe, name, on);
    if (fieldProblem(field, next.grpo.reward_funcs) === null) onChange(next);
  };
  return (
    <fieldset className="field rewards">
      <legend className="name">{field.name}, reward_weights</legend>
      {Object.entries(BUILT_IN_REWARD_HELP).map(([key, help]) => {
        const name = key as BuiltInReward;
        const index = funcs.indexOf(name);
        return (
          <div key={name} className="rewardChoice">
            <label className="checkRow">
              <input
                type="checkbox"
                checked={index >= 0}
                onChange={(event) => toggle(name, event.currentTarget.checked)}
              />
              <span className="mono">{name}</span>
            </label>
            {index >= 0 && (
              <Weight name={name} value={weightOf(index)} onChange={(w) => onChange(withWeight(recipe, index, w))} />
            )}
            <span className="note">{help}</span>
          </div>
        );
      })}
      <span className="note">{field.help}</span>
    </fieldset>
  );
}

interface WeightProps {
  name: string;
  value: number;
  onChange(value: number): void;
}

function Weight({ name, value, onChange }: WeightProps): React.JSX.Element {
  const [draft, setDraft] = useState<string | null>(null);
  const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text));
  const wrong = draft !== null && !isNumber(draft);
  return (
    <input
      className="inlineInput num"
      type="text"
      inputMode="decimal"
      aria-label={`Weight of ${name}`}
      aria-invalid={wrong}
      value={draft ?? String(value)}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setDraft(text);
        if (isNumber(text)) onChange(Number(text));
      }}
      onBlur={() => !wrong && setDraft(null)}
    />
  );
}
