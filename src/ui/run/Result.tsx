// A run that has ended: what it reached, what changed, what it leaves.

import type { RunSummary } from '../../protocol/messages';
import type { Recipe } from '../../train/config';
import { duration, plural } from '../format';
import { presetOf } from '../setup/presets';
import { goTo } from '../store/settings';
import type { RunView } from '../store/runReducer';
import { AdapterCard } from './AdapterCard';
import { ChangeTable } from './ChangeTable';
import { ResultStations, stationsOf } from './ResultStations';
import { Stepper } from './Stepper';

export interface ResultProps {
  view: RunView;
  summary: RunSummary;
  recipe: Recipe;
  modelName: string;
}

/** Everything above the curves, once a run has ended. */
export function Result({ view, summary, recipe, modelName }: ResultProps): React.JSX.Element {
  const stations = stationsOf(view, summary);
  const [semantic, format] = recipe.grpo.reward_weights;
  const isDemo = modelName === 'demo/model' && presetOf(recipe) === 'demo' && summary.complete;
  return (
    <>
      <div className="resultHead">
        <h1 className="title" role="status">
          {summary.complete ? 'Finished in' : 'Stopped after'} {duration(summary.seconds['total'] ?? 0)}
        </h1>
        <p className="soft">
          {summary.stepsSft} SFT and {plural(summary.stepsGrpo, 'GRPO step')} on one adapter, seed {summary.seed}
        </p>
        <button type="button" className="button" onClick={() => goTo('setup')}>
          Train again
        </button>
      </div>
      <div className="card runCard">
        <Stepper view={view} />
        {stations.length > 0 && (
          <ResultStations stations={stations} rewardMax={semantic + format} samples={recipe.eval.samples_per_row} />
        )}
      </div>
      <div className="resultRow">
        {stations.length > 0 && <ChangeTable stations={stations} rewardMax={semantic + format} isDemo={isDemo} />}
        <AdapterCard view={view} summary={summary} recipe={recipe} modelName={modelName} />
      </div>
    </>
  );
}
