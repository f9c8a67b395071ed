// The Run place: a run under way, a finished one, or where the first one will appear.

import { isBusy, useRun } from '../store/run';
import type { RunView } from '../store/runReducer';
import { goTo } from '../store/settings';
import { Curves } from './Curves';
import { Groups } from './Groups';
import { LiveAnswers } from './LiveAnswers';
import { NowPanel } from './NowPanel';
import { Result } from './Result';
import { RunBanners } from './RunBanners';
import { Stepper } from './Stepper';

/** The run on show. */
export function RunPlace(): React.JSX.Element {
  const { view, recipe, modelName } = useRun();
  if (!view || !recipe) return <NoRun />;
  const rewardMax = recipe.grpo.reward_weights[0] + recipe.grpo.reward_weights[1];
  return (
    <main className="page runPage">
      <RunBanners view={view} />
      {view.summary ? (
        <Result view={view} summary={view.summary} recipe={recipe} modelName={modelName} />
      ) : (
        <div className="card runCard">
          <Stepper view={view} />
          <NowPanel view={view} rewardMax={rewardMax} />
        </div>
      )}
      {view.points.length === 0 && !view.summary && <LiveAnswers view={view} />}
      <Curves view={view} recipe={recipe} />
      {view.points.length > 0 && isEvaluating(view) && <LiveAnswers view={view} />}
      {view.groups.size > 0 && <Groups view={view} recipe={recipe} />}
    </main>
  );
}

/** Until GRPO has groups the answers are what there is to read; later they come back while an evaluation runs. */
function isEvaluating(view: RunView): boolean {
  if (view.summary) return false;
  return view.groups.size === 0 || (view.stage !== 'grpo' && isBusy(view));
}

function NoRun(): React.JSX.Element {
  return (
    <main className="page runPage">
      <section className="card emptyRun">
        <h1 className="heading">No run yet</h1>
        <p className="soft">
          Curves, groups of completions with their rewards, and the before and after table will be here.
        </p>
        <button type="button" className="button" onClick={() => goTo('setup')}>
          Go to Setup
        </button>
      </section>
    </main>
  );
}
