// Runs a reward of the user's own on texts made of the loaded rows, and shows what it gives or where it fails.

import { useEffect, useRef, useState } from 'react';
import { userRewardWorker } from '../../rewards/userRewardWorker';
import type { RewardBatch } from '../../rewards/reward';
import { openUserScript, type UserScript } from '../../rewards/userReward';
import type { ScriptOutcome } from '../../rewards/userScores';
import type { Recipe, UserReward } from '../../recipe/config';
import { plural } from '../format';
import { CompletionText } from '../parts/CompletionText';
import { ProblemText } from '../parts/ProblemText';
import { useDataset } from '../store/dataset';
import { previewOf, type Preview } from './previewBatch';

interface Trial {
  /** The script that was tried: an edited one has no result yet. */
  javascript: string;
  preview: Preview;
  /** null while it runs. */
  outcome: ScriptOutcome | null;
}

/** The button and the results under it. */
export function RewardPreview({ reward, recipe }: { reward: UserReward; recipe: Recipe }): React.JSX.Element {
  const rows = useDataset((view) => view.rows);
  const [trial, setTrial] = useState<Trial | null>(null);
  const script = useRef<UserScript | null>(null);
  useEffect(() => () => script.current?.dispose(), []);

  const run = async (): Promise<void> => {
    const preview = previewOf(rows, recipe);
    const begun: Trial = { javascript: reward.javascript, preview, outcome: null };
    setTrial(begun);
    const opened = (script.current = openUserScript(reward, userRewardWorker));
    const outcome = await opened.run(preview.batch);
    opened.dispose();
    setTrial({ ...begun, outcome });
  };
  const shown = trial?.javascript === reward.javascript ? trial : null;
  const running = trial !== null && trial.outcome === null;
  return (
    <div className="rewardPreview">
      <div className="rowBetween">
        <button
          type="button"
          className="button compact"
          disabled={running || rows.length === 0}
          onClick={() => void run()}
        >
          Preview
        </button>
        <span className="note" role="status">
          {statusOf(rows.length, shown)}
        </span>
      </div>
      {shown?.outcome && <Result preview={shown.preview} outcome={shown.outcome} />}
    </div>
  );
}

function statusOf(rows: number, trial: Trial | null): string {
  if (rows === 0) return 'Preview needs data: choose some in card 2.';
  if (trial === null) return 'Tries the script on wanted texts of your rows and on broken ones.';
  const completions = plural(trial.preview.labels.length, 'completion');
  if (trial.outcome === null) return `Running on ${completions}; it is stopped after 10 s.`;
  if ('failure' in trial.outcome) return `Failed on ${completions}.`;
  return `${completions}; their lengths are estimates.`;
}

/** All scores; of a failure only the completion at fault, if it is known. */
function Result({ preview, outcome }: { preview: Preview; outcome: ScriptOutcome }): React.JSX.Element {
  if ('scores' in outcome)
    return <ResultRows preview={preview} indices={outcome.scores.map((_, i) => i)} scores={outcome.scores} />;
  const { failure } = outcome;
  return (
    <>
      <ProblemText problem={failure} />
      {failure.index !== undefined && <ResultRows preview={preview} indices={[failure.index]} scores={null} />}
    </>
  );
}

interface ResultRowsProps {
  preview: Preview;
  indices: number[];
  scores: (number | null)[] | null;
}

function ResultRows({ preview, indices, scores }: ResultRowsProps): React.JSX.Element {
  const { batch, labels } = preview;
  return (
    <table className="previewTable">
      <thead>
        <tr>
          <th scope="col" className="num">
            #
          </th>
          <th scope="col">Text</th>
          <th scope="col">Completion</th>
          <th scope="col">Answer</th>
          <th scope="col" className="num">
            Score
          </th>
        </tr>
      </thead>
      <tbody>
        {indices.map((index) => (
          <tr key={index} className={scores ? undefined : 'fault'}>
            <td className="num soft">{index + 1}</td>
            <td className="soft">{labels[index]}</td>
            <td>
              <CompletionText text={completionOf(batch, index)} />
            </td>
            <td>{batch.answers[index]}</td>
            <td className="num score">{scores ? scoreText(scores[index] ?? null) : 'failed'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function completionOf(batch: RewardBatch, index: number): string {
  return batch.completions[index] ?? '';
}

function scoreText(score: number | null): string {
  return score === null ? 'null' : String(Number(score.toFixed(4)));
}
