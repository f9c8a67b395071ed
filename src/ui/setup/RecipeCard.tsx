// Card 3: the recipe. Presets, the main figures, and everything else folded under TRL's names.

import { useState } from 'react';
import { toErrorRecord } from '../../base/errors';
import type { Recipe } from '../../recipe/config';
import { saveFile } from '../exports/saveFile';
import { Icon } from '../parts/Icon';
import { Segmented } from '../parts/Segmented';
import { setRecipe, setSeed, useSettings } from '../store/settings';
import { PromptPreview } from './PromptPreview';
import { PRESETS, presetOf, type PresetName } from '../recipe/presets';
import { readRecipeFile, recipeProblem } from '../recipe/readRecipe';
import { RecipeForm } from './RecipeForm';
import { grpoSummary, sftSummary, type SummaryLine } from '../recipe/recipeSummary';
import { SetupCard } from './SetupCard';

/** The Recipe card. */
export function RecipeCard(): React.JSX.Element {
  const recipe = useSettings((settings) => settings.recipe);
  const [open, setOpen] = useState(false);
  const [reading, setReading] = useState(false);
  const [message, setMessage] = useState<{ text: string; bad: boolean } | null>(null);
  const preset = presetOf(recipe);
  const problem = recipeProblem(recipe)?.message ?? null;
  const options: { value: PresetName | 'own'; label: string }[] = PRESETS.map(({ name, label }) => ({
    value: name,
    label,
  }));
  if (preset === null) options.push({ value: 'own', label: 'Your own' });
  const choose = (name: PresetName | 'own'): void => {
    const chosen = PRESETS.find((candidate) => candidate.name === name);
    if (chosen) setRecipe(chosen.recipe);
    setMessage(null);
  };
  return (
    <SetupCard number={3} title="Recipe" line={lineOf(recipe, problem)} state={{ kind: problem ? 'problem' : 'ready' }}>
      <div className="rowBetween">
        <Segmented label="Preset" options={options} value={preset ?? 'own'} onChange={choose} />
        <SeedField />
      </div>
      <div className="columns2">
        <Summary title="SFT" ink="blue" lines={sftSummary(recipe)} />
        <Summary title="GRPO" ink="warm" lines={grpoSummary(recipe)} />
      </div>
      {message && (
        <p className={message.bad ? 'cardNote badText' : 'cardNote'} role={message.bad ? 'alert' : 'status'}>
          {message.text}
        </p>
      )}
      <div className="rowBetween ruled">
        <span className="buttons">
          <button type="button" className="linkButton" aria-expanded={open} onClick={() => setOpen((now) => !now)}>
            <Icon name={open ? 'down' : 'right'} size={10} /> All options, with TRL’s names
          </button>
          <button
            id="show-prompt"
            type="button"
            className="linkButton"
            aria-expanded={reading}
            onClick={() => setReading((now) => !now)}
          >
            <Icon name={reading ? 'down' : 'right'} size={10} /> The prompt, with its tokens
          </button>
        </span>
        <span className="buttons">
          <label className="linkButton">
            Import JSON
            <input
              id="pick-recipe"
              className="visuallyHidden"
              type="file"
              accept="application/json,.json"
              onChange={(event) => void importFile(event.currentTarget, setMessage)}
            />
          </label>
          <button
            type="button"
            className="linkButton"
            onClick={() => saveFile('recipe.json', JSON.stringify(recipe, null, 2) + '\n', 'application/json')}
          >
            Export JSON
          </button>
        </span>
      </div>
      {reading && <PromptPreview />}
      {open && <RecipeForm recipe={recipe} onChange={setRecipe} />}
    </SetupCard>
  );
}

async function importFile(
  input: HTMLInputElement,
  say: (message: { text: string; bad: boolean }) => void,
): Promise<void> {
  const file = input.files?.[0];
  input.value = '';
  if (!file) return;
  try {
    const { recipe, notes, seed } = await readRecipeFile(file);
    setRecipe(recipe);
    if (seed !== null) setSeed(seed);
    say({ text: [`Read ${file.name}.`, ...notes].join(' '), bad: false });
  } catch (error) {
    say({ text: `${file.name}: ${toErrorRecord(error).message}`, bad: true });
  }
}

function Summary({ title, ink, lines }: { title: string; ink: string; lines: SummaryLine[] }): React.JSX.Element {
  return (
    <div>
      <h3 className="label summaryTitle">
        <i className={`swatch ${ink}`} /> {title}
      </h3>
      <dl className="pairs">
        {lines.map(({ name, value, option }) => (
          <div key={name} title={option}>
            <dt>{name}</dt>
            <dd className="num">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function SeedField(): React.JSX.Element {
  const seed = useSettings((settings) => settings.seed);
  return (
    <label className="seed">
      <span className="soft">Seed</span>
      <input
        className="inlineInput num"
        type="number"
        min={0}
        step={1}
        value={seed}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          if (Number.isSafeInteger(value) && value >= 0) setSeed(value);
        }}
      />
    </label>
  );
}

function lineOf(recipe: Recipe, problem: string | null): string {
  if (problem) return problem;
  const [sft, grpo] = [recipe.sft.max_steps !== 0, recipe.grpo.max_steps !== 0];
  if (sft && grpo) return 'One adapter: first SFT, then GRPO.';
  if (sft) return 'SFT only.';
  return grpo ? 'GRPO only.' : 'Both stages have 0 steps: the model is only evaluated.';
}
