// After a page or browser went away in mid-run: says so, and offers to go on.

import { timeOfDay } from '../format';
import { Icon } from '../parts/Icon';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { declineRun, interruptedRun, reopenRun, useHistory } from '../store/history';
import { isBusy, useRun } from '../store/run';
import { ResumeButton } from '../run/ResumeButton';
import { positionText } from '../run/words';

/** Shown while an interrupted run can go on and nothing else is under way. */
export function InterruptedBanner(): React.JSX.Element | null {
  const history = useHistory();
  const run = useRun();
  const [problem, attempt] = useAttempt();
  const found = interruptedRun(history);
  if (!found || isBusy(run.view)) return null;
  const { record, checkpoints } = found;
  const newest = checkpoints[0]!;
  const at = positionText({ stage: newest.stage as never, step: newest.step });
  const shown = run.view?.runId === record.id;
  return (
    <div className="banner warn interrupted" role="region" aria-label="Interrupted run">
      <span className="warmText">
        <Icon name="warning" size={16} />
      </span>
      <div>
        <p className="label">A run was interrupted.</p>
        <p>
          {record.datasetName}, seed {record.seed}: saved at {at}, {timeOfDay(newest.createdAt, Date.now())}. It goes on
          from there as if nothing had happened.
        </p>
        <ProblemText problem={problem} />
      </div>
      <span className="buttons">
        <ResumeButton record={record} className="button compact" attempt={attempt} />
        {!shown && (
          <button type="button" className="button compact quiet" onClick={() => attempt(reopenRun(found))}>
            Open
          </button>
        )}
        <button type="button" className="button compact quiet" onClick={() => declineRun(record.id)}>
          Not now
        </button>
      </span>
    </div>
  );
}
