// The Run place: a run under way, a finished one, or where the first one will appear.

import { memo, useDeferredValue } from 'react';
import type { Recipe } from '../../recipe/config';
import { ShownLoading } from '../parts/Thumb';
import { useEvery } from '../parts/useEvery';
import { followRun, storedRun, useHistory } from '../store/history';
import { isBusy, useRun } from '../store/run';
import type { RunView } from '../store/runView';
import { goTo } from '../store/settings';
import { Curves } from './Curves';
import { DebugPanel } from './DebugPanel';
import { Groups } from './Groups';
import { InterruptedBanner } from '../history/InterruptedBanner';
import { LiveAnswers } from './LiveAnswers';
import { isMendable, MendRewards } from './MendRewards';
import { NowPanel } from './NowPanel';
import { Result } from './Result';
import { RunBanners } from './RunBanners';
import { Stepper } from './Stepper';

/** The page was opened with ?debug. */
const DEBUG = new URLSearchParams(location.search).has('debug');

/** How often a run that another tab trains is looked at again. */
const FOLLOW_MS = 2000;

/** The run on show. */
export function RunPlace(): React.JSX.Element {
  const run = useRun();
  const { view, recipe, modelName } = run;
  // Charts of thousands of steps take a while: they follow in pieces, while what happens now is shown at once.
  const later = useDeferredValue(run, null);
  const stored = useHistory((history) => storedRun(history, view?.runId));
  useEvery(FOLLOW_MS, view?.state === 'elsewhere', followRun);
  if (!view || !recipe) return <NoRun />;
  const mending = stored?.resumable && view.error && isMendable(view.error, recipe) ? view.error : null;
  return (
    <ShownLoading value={recipe.image_loading}>
      <main className="page runPage">
        <InterruptedBanner />
        <RunBanners view={view} />
        {mending && stored && <MendRewards key={view.runId} run={stored} recipe={recipe} error={mending} />}
        {view.summary ? (
          <Result view={view} summary={view.summary} recipe={recipe} modelName={modelName} stored={stored} />
        ) : (
          <div className="card runCard">
            <Stepper view={view} />
            <NowPanel view={view} recipe={recipe} stored={stored} resumable={stored?.resumable === true && !mending} />
          </div>
        )}
        {later?.view && later.recipe && <RunDetails view={later.view} recipe={later.recipe} />}
      </main>
    </ShownLoading>
  );
}

/** What there is to read and to compare of a run. */
const RunDetails = memo(function RunDetails({ view, recipe }: { view: RunView; recipe: Recipe }): React.JSX.Element {
  return (
    <>
      {view.points.length === 0 && !view.summary && <LiveAnswers view={view} />}
      <Curves view={view} recipe={recipe} />
      {view.points.length > 0 && isEvaluating(view) && <LiveAnswers view={view} />}
      {view.groupSteps.length > 0 && <Groups view={view} recipe={recipe} />}
      {DEBUG && <DebugPanel view={view} />}
    </>
  );
});

/** Until GRPO has groups the answers are what there is to read; later they come back while an evaluation runs. */
function isEvaluating(view: RunView): boolean {
  if (view.summary) return false;
  return view.groupSteps.length === 0 || (view.stage !== 'grpo' && isBusy(view));
}

function NoRun(): React.JSX.Element {
  return (
    <main className="page runPage">
      <InterruptedBanner />
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
