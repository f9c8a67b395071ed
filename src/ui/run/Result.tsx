// A run that has ended: what it reached, what changed, what it leaves.

import type { RunSummary } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { duration, plural } from '../format';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { presetOf } from '../recipe/presets';
import type { StoredRun } from '../store/history';
import { EVALUATION_MAX } from '../recipe/rewards';
import { goTo } from '../store/settings';
import type { RunView } from '../store/runView';
import { AdapterCard } from './AdapterCard';
import { ChangeTable } from './ChangeTable';
import { ResumeButton } from './ResumeButton';
import { ResultStations, stationsOf } from './ResultStations';
import { Stepper } from './Stepper';

export interface ResultProps {
  view: RunView;
  summary: RunSummary;
  recipe: Recipe;
  modelName: string;
  /** The run as storage has it; null before it is listed. */
  stored: StoredRun | null;
}

/** Everything above the curves, once a run has ended. */
export function Result({ view, summary, recipe, modelName, stored }: ResultProps): React.JSX.Element {
  const [problem, attempt] = useAttempt();
  const stations = stationsOf(view, summary);
  const isDemo = modelName === 'demo/model' && presetOf(recipe) === 'demo' && summary.complete;
  return (
    <>
      <div className="resultHead">
        <div role="status">
          <h1 className="title">
            {summary.complete ? 'Finished in' : 'Stopped after'} {duration(summary.seconds['total'] ?? 0)}
          </h1>
        </div>
        <p className="soft">
          {summary.stepsSft} SFT and {plural(summary.stepsGrpo, 'GRPO step')} on one adapter, seed {summary.seed}
        </p>
        <span className="buttons">
          {stored?.resumable && <ResumeButton record={stored.record} attempt={attempt} />}
          <button type="button" className="button" onClick={() => goTo('setup')}>
            Train again
          </button>
        </span>
      </div>
      <ProblemText problem={problem} />
      <div className="card runCard">
        <Stepper view={view} />
        {stations.length > 0 && (
          <ResultStations stations={stations} rewardMax={EVALUATION_MAX} samples={recipe.eval.samples_per_row} />
        )}
      </div>
      <div className="resultRow">
        {stations.length > 0 && <ChangeTable stations={stations} rewardMax={EVALUATION_MAX} isDemo={isDemo} />}
        <AdapterCard view={view} summary={summary} recipe={recipe} modelName={modelName} />
      </div>
    </>
  );
}
