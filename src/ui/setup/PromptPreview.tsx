// The prompt of one row as the model will read it: every token, special ones marked, the picture folded, and which
// tokens carry SFT's loss. The data worker tokenizes; this only asks and shows.

import { useEffect, useState } from 'react';
import type { RenderedPrompt } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { renderPrompt } from '../actions';
import { count, plural } from '../format';
import { Icon } from '../parts/Icon';
import { ProblemText } from '../parts/ProblemText';
import { Thumb } from '../parts/Thumb';
import { useDataset } from '../store/dataset';
import { usePromptPreview } from '../store/promptPreview';
import { useSettings } from '../store/settings';
import { promptBlocks, type PromptBlock, type PromptPiece } from './promptRuns';

/** How long the form must rest before the prompt is rendered anew. */
const REST_MS = 250;

/** The unfolded preview. */
export function PromptPreview(): React.JSX.Element {
  const rows = useDataset((dataset) => dataset.rows);
  const recipe = useSettings((settings) => settings.recipe);
  const [chosen, setChosen] = useState(0);
  const index = Math.min(chosen, rows.length - 1);
  const { prompt, error, waiting } = usePromptPreview();
  useRendering(index);
  const row = rows[index];
  if (!row) return <p className="note">A row of your data will be shown here as the tokens that the model reads.</p>;
  return (
    <section className="promptPreview" aria-label="Prompt" aria-busy={waiting}>
      <div className="rowBetween">
        <RowChooser index={index} rows={rows.length} onChoose={setChosen} />
        <PromptLegend />
      </div>
      <div className="promptRow">
        <Thumb hash={row.image} alt={row.imageName} size={72} />
        <div className="promptFacts">
          {prompt ? <Facts prompt={prompt} recipe={recipe} /> : <p className="note">Reading the tokenizer.</p>}
          <p className="note mono">
            {row.file}:{row.line}
          </p>
        </div>
      </div>
      <ProblemText problem={error} />
      {prompt && (
        <div className="promptText" tabIndex={0} role="group" aria-label="Tokens of the prompt and the target">
          {promptBlocks(prompt).map((block, i) => (
            <Block key={i} block={block} />
          ))}
        </div>
      )}
    </section>
  );
}

/** Asks for the row's prompt whenever row, templates or model have changed and then rested. */
function useRendering(index: number): void {
  const rows = useDataset((dataset) => dataset.rows);
  const { recipe, modelKind, picked } = useSettings();
  useEffect(() => {
    const row = rows[index];
    if (!row) return;
    const { prompt } = usePromptPreview.getState();
    const timer = setTimeout(() => renderPrompt(row), prompt ? REST_MS : 0);
    return () => clearTimeout(timer);
  }, [rows, index, recipe, modelKind, picked]);
}

interface ChooserProps {
  index: number;
  rows: number;
  onChoose(index: number): void;
}

function RowChooser({ index, rows, onChoose }: ChooserProps): React.JSX.Element {
  return (
    <span className="stepBrowser num">
      <button
        type="button"
        className="iconButton"
        aria-label="Earlier row"
        disabled={index === 0}
        onClick={() => onChoose(index - 1)}
      >
        <Icon name="left" size={11} />
      </button>
      <label className="rowNumber">
        Row{' '}
        <input
          className="inlineInput"
          type="number"
          min={1}
          max={rows}
          value={index + 1}
          onChange={(event) => {
            const value = event.currentTarget.valueAsNumber;
            if (Number.isInteger(value) && value >= 1 && value <= rows) onChoose(value - 1);
          }}
        />{' '}
        of {count(rows)}
      </label>
      <button
        type="button"
        className="iconButton"
        aria-label="Later row"
        disabled={index >= rows - 1}
        onClick={() => onChoose(index + 1)}
      >
        <Icon name="right" size={11} />
      </button>
    </span>
  );
}

function PromptLegend(): React.JSX.Element {
  return (
    <p className="legend promptLegend note" aria-hidden="true">
      <span className="token special">special</span>
      <span className="token picture">picture</span>
      <span className="token learned">learned in SFT</span>
    </p>
  );
}

function Facts({ prompt, recipe }: { prompt: RenderedPrompt; recipe: Recipe }): React.JSX.Element {
  const { tokens, promptLength, grpoImageTokens } = prompt;
  const target = tokens.length - promptLength;
  const images = tokens.filter(({ image }) => image).length;
  const labels = tokens.filter(({ label }) => label).length;
  const loss = recipe.sft.completion_only_loss ? 'the target' : 'all text';
  const problem = misfitOf(prompt, recipe);
  return (
    <>
      <p className="num">
        Prompt <strong>{plural(promptLength, 'token')}</strong>, {images} of them picture. Target{' '}
        <strong>{plural(target, 'token')}</strong>. SFT’s loss is on {loss}: {plural(labels, 'token')}.
      </p>
      {recipe.grpo_pre_resize && grpoImageTokens !== null && grpoImageTokens !== images && (
        <p className="note num">In GRPO the picture is resized first and takes {plural(grpoImageTokens, 'token')}.</p>
      )}
      {grpoImageTokens === null && (
        <p className="badText">The picture is too thin for grpo_pre_resize: this row is left out of GRPO.</p>
      )}
      {problem && <p className="badText num">{problem}</p>}
    </>
  );
}

/** Why the row will be left out, in the words of the recipe's options; null when it fits. */
function misfitOf({ tokens, promptLength, maxPositions }: RenderedPrompt, recipe: Recipe): string | null {
  if (promptLength > recipe.max_prompt_length) {
    return `Longer than max_prompt_length ${recipe.max_prompt_length}: this row is left out.`;
  }
  const limit = Math.min(recipe.sft.max_length ?? Infinity, maxPositions);
  return tokens.length > limit ? `${tokens.length} tokens are over the limit of ${limit}: left out of SFT.` : null;
}

function Block({ block }: { block: PromptBlock }): React.JSX.Element {
  return (
    <p className={block.part === 'target' ? 'promptBlock targetBlock' : 'promptBlock'}>
      {block.pieces.map((piece, i) => (
        <Piece key={i} piece={piece} />
      ))}
    </p>
  );
}

function Piece({ piece }: { piece: PromptPiece }): React.JSX.Element {
  if (piece.kind === 'image') {
    return (
      <span className="token picture">
        {piece.text} × {piece.count}
      </span>
    );
  }
  const { id, text, special, label } = piece.token;
  const kinds = ['token', ...(special ? ['special'] : []), ...(label ? ['learned'] : [])];
  return (
    <span className={kinds.join(' ')} title={`token ${id}${label ? ', learned in SFT' : ''}`}>
      {visible(text)}
    </span>
  );
}

/** Line breaks are shown and kept; a token that is only part of a character is a dot. */
function visible(text: string): string {
  return text === '' ? '·' : text.replaceAll('\n', '↵\n');
}
