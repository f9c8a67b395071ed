// The five stations of a run: a bar, an icon, a name, a count.

import { STAGES, type Stage } from '../../protocol/messages';
import { Icon, Ring } from '../parts/Icon';
import type { RunView } from '../store/runView';
import { evaluationAt, stepsDone } from '../store/series';
import { STAGE_NAMES } from './words';

type Status = 'done' | 'now' | 'next' | 'skipped';

interface Station {
  stage: Stage;
  status: Status;
  share: number;
  note: string;
}

/** The stepper; the current station is marked for screen readers too. */
export function Stepper({ view }: { view: RunView }): React.JSX.Element {
  return (
    <ol className="stepper">
      {STAGES.map((stage) => stationOf(view, stage)).map(({ stage, status, share, note }) => (
        <li key={stage} className={`${status} ${stage}`} aria-current={status === 'now' ? 'step' : undefined}>
          <div className={status === 'now' ? 'bar warm' : 'bar'}>
            <i style={{ width: `${share * 100}%` }} />
          </div>
          <p>
            {status === 'done' ? <Icon name="check" /> : <Ring kind={status === 'now' ? 'now' : 'none'} />}
            <span className="stationName">{STAGE_NAMES[stage]}</span>
            <span className="stationNote num">{note}</span>
          </p>
        </li>
      ))}
    </ol>
  );
}

function stationOf(view: RunView, stage: Stage): Station {
  if (stage === 'sft' || stage === 'grpo') return trainingStation(view, stage);
  const done = evaluationAt(view, stage) !== null;
  const status = done ? 'done' : view.stage === stage ? 'now' : view.summary ? 'skipped' : 'next';
  const { progress } = view;
  const share = done ? 1 : status === 'now' && progress && progress.total > 0 ? progress.done / progress.total : 0;
  const notes = {
    done: 'evaluated',
    now: 'evaluating',
    next: stage === 'after_grpo' ? 'not yet' : '',
    skipped: 'left out',
  };
  return { stage, status, share, note: notes[status] };
}

function trainingStation(view: RunView, stage: 'sft' | 'grpo'): Station {
  const planned = view.planned[stage];
  const done = stepsDone(view.points, stage);
  const order = STAGES.indexOf(stage);
  const passed = view.summary !== null || (view.stage !== null && STAGES.indexOf(view.stage) > order);
  if (planned === 0) return { stage, status: 'skipped', share: 0, note: 'left out' };
  const status = passed ? (done === 0 ? 'skipped' : 'done') : view.stage === stage ? 'now' : 'next';
  const total = planned ?? 0;
  const note = total > 0 ? `${done} of ${total}` : done > 0 ? String(done) : '';
  return { stage, status, share: total > 0 ? Math.min(1, done / total) : 0, note };
}
