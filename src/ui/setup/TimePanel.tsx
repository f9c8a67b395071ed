// How long the run that is set up takes on this GPU, from a dry run of one step; and the button that makes one.

import { MEASURED_NAMES, PHASE_NAMES } from '../../base/planWords.mjs';
import type { RunSeconds } from '../../planner/seconds';
import type { NoticeEvent, RunPlan } from '../../protocol/messages';
import { measureRun, stopMeasuring } from '../actions';
import { duration, plural } from '../format';
import { Ring } from '../parts/Icon';
import { useDryRun } from '../store/dryRun';

/**
 * The time, or how to find it; the progress of a dry run under way is `Measuring`'s.
 * @param props.waiting the plan is that of the settings before
 */
export function TimePanel({ plan, waiting }: Pick<RunPlan, 'plan'> & { waiting: boolean }): React.JSX.Element | null {
  const { id, error, notices } = useDryRun();
  const { seconds, fits } = plan;
  if (id !== null || (!fits && !seconds)) return null;
  return (
    <div className="planTime">
      {seconds && !waiting && <Time seconds={seconds} />}
      {/* What does not fit would end for want of memory. */}
      {fits && <MeasureButton again={seconds !== null} waiting={waiting} />}
      {error && (
        <p className="badText" role="alert" data-code={error.code}>
          {error.message} {error.hint}
        </p>
      )}
      <Notices notices={notices} />
    </div>
  );
}

function MeasureButton({ again, waiting }: { again: boolean; waiting: boolean }): React.JSX.Element {
  return (
    <p className="planMeasure">
      <button
        type="button"
        id="measure"
        className="button compact"
        disabled={waiting}
        // What fails is on show beside the button.
        onClick={() => void measureRun().catch(() => undefined)}
      >
        {again ? 'Measure again' : 'Measure one step'}
      </button>
      <span className="note">
        {again
          ? 'For a GPU that is faster or slower now. Another recipe needs no new measurement.'
          : 'Says how long the run takes: loads the model, does one step of each kind, and keeps nothing of it.'}
      </span>
    </p>
  );
}

function Notices({ notices }: { notices: NoticeEvent[] }): React.JSX.Element {
  return (
    <>
      {notices.map(({ level, code, message }) => (
        <p key={`${code} ${message}`} className={level === 'warning' ? 'warmText' : 'note'} data-code={code}>
          {message}
        </p>
      ))}
    </>
  );
}

/** The dry run under way, whatever is set up meanwhile; nothing while there is none. */
export function Measuring(): React.JSX.Element | null {
  const { id, part, done, total, notices } = useDryRun();
  if (id === null) return null;
  const share = part === 'load' && done > 0 ? `, ${Math.round((100 * done) / total)}%` : '';
  return (
    <div className="planTime">
      <p className="planMeasure" role="status">
        <span>
          <Ring kind="dashed" /> Measuring: {MEASURED_NAMES[part]}
          {share}
        </span>
        <button type="button" id="stopMeasuring" className="button compact" onClick={stopMeasuring}>
          Cancel
        </button>
      </p>
      <Notices notices={notices} />
    </div>
  );
}

function Time({ seconds }: { seconds: RunSeconds }): React.JSX.Element {
  return (
    <>
      <p id="planSeconds">
        About <strong>{roughly(seconds.total)}</strong> on this GPU, by its measured rates
        {seconds.loadKnown ? '.' : ', besides loading: a 4-bit copy of a base has come or gone since it was measured.'}
      </p>
      <table className="planTable num">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">each</th>
            <th scope="col">in all</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">{seconds.loadKnown ? 'Loading and first uses' : 'First uses'}</th>
            <td />
            <td>{duration(seconds.begin)}</td>
          </tr>
          {seconds.phases.map(({ phase, count, unit, unitSeconds, seconds: all }) => (
            <tr key={phase}>
              <th scope="row">
                {PHASE_NAMES[phase]}, {plural(count, unit)}
              </th>
              <td>{short(unitSeconds)}</td>
              <td>{short(all)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** A time as well as it is known: `2 min 50 s`, `4 min`, `2 h 10 min`. */
function roughly(seconds: number): string {
  const step = seconds < 60 ? 1 : seconds < 3600 ? 10 : 600;
  return duration(Math.max(1, Math.round(seconds / step) * step)).replace(/ 0 (s|min)$/, '');
}

function short(seconds: number): string {
  return seconds < 10 ? `${seconds.toPrecision(2)} s` : duration(seconds);
}
