// What happens now, readable from two metres: phase, step, time left, reward, form; and the run's buttons.

import { useState } from 'react';
import type { Phase, Stage } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { pauseRun, resumeRun, stopRun } from '../actions';
import { latest, runData } from '../charts/runData';
import { clock, etaText, fixed, percent, timeOfDay } from '../format';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { useNow } from '../parts/useNow';
import type { StoredRun } from '../store/history';
import { totalRange, totalsAgree } from '../recipe/rewards';
import { isBusy } from '../store/run';
import type { CheckpointView, RunView } from '../store/runView';
import { evaluationAt, headScores, stepsDone, workedMs } from '../store/series';
import { ResumeButton } from './ResumeButton';
import { PHASE_NAMES, phaseSentence, phasesOf, positionText, STAGE_NAMES } from './words';

export interface NowPanelProps {
  view: RunView;
  recipe: Recipe;
  /** The run as storage has it; null before it is listed. */
  stored: StoredRun | null;
  /** It can go on as it is: resuming is not first a matter of mending. */
  resumable: boolean;
}

/** The lower half of the run's first card. */
export function NowPanel({ view, recipe, stored, resumable }: NowPanelProps): React.JSX.Element {
  return (
    <div className="nowPanel">
      <PhasePanel view={view} stored={stored} />
      <Figures view={view} recipe={recipe} />
      {isBusy(view) ? <RunButtons view={view} /> : resumable && stored && <ResumeButtons stored={stored} />}
    </div>
  );
}

function PhasePanel({ view, stored }: Pick<NowPanelProps, 'view' | 'stored'>): React.JSX.Element {
  const { stage, progress } = view;
  const where =
    stage && progress && progress.step > 0 ? `${STAGE_NAMES[stage]} step ${progress.step} of ${progress.steps}` : 'Now';
  return (
    <div className="phase">
      <p className="note">
        <span className="wide">Now</span>
        <span className="narrow">{where}</span>
      </p>
      <h1>{phaseSentence(view)}</h1>
      {/* The sentence above changes many times a second's worth of steps; only stage and state are read aloud. */}
      <p className="visuallyHidden" role="status">
        {stage ? `${STAGE_NAMES[stage]}, ${view.state}` : view.state}
      </p>
      {stage && <PhaseBars view={view} phases={phasesOf(stage, progress?.stage === stage ? view.phases : [])} />}
      <CheckpointLine checkpoint={view.checkpoint ?? checkpointOf(stored)} />
    </div>
  );
}

function checkpointOf(stored: StoredRun | null): CheckpointView | null {
  const newest = stored?.checkpoints[0];
  return newest ? { stage: newest.stage as Stage, step: newest.step, time: newest.createdAt } : null;
}

/** From where the run could go on if it ended now. */
function CheckpointLine({ checkpoint }: { checkpoint: CheckpointView | null }): React.JSX.Element | null {
  if (!checkpoint) return null;
  return (
    <p className="note checkpointLine num" title="The run can go on from here after a stop, a reload or a crash.">
      Saved at {positionText(checkpoint)}, {timeOfDay(checkpoint.time, Date.now())}
    </p>
  );
}

function PhaseBars({ view, phases }: { view: RunView; phases: Phase[] }): React.JSX.Element {
  const { progress } = view;
  return (
    <ol className="phaseBars">
      {phases.map((phase) => {
        const current = progress !== null && progress.stage === view.stage;
        const now = current && progress.phase === phase && isBusy(view) && view.state !== 'paused';
        const done = current && !now && view.phases.includes(phase);
        const share = done ? 1 : now && progress.total > 0 ? progress.done / progress.total : 0;
        return (
          <li key={phase} className={now ? 'now' : undefined}>
            <div className={now ? 'bar warm' : 'bar'}>
              <i style={{ width: `${share * 100}%` }} />
            </div>
            {PHASE_NAMES[phase]}
          </li>
        );
      })}
    </ol>
  );
}

function Figures({ view, recipe }: { view: RunView; recipe: Recipe }): React.JSX.Element {
  const now = useNow(isBusy(view));
  const data = runData(view, 'step');
  const before = evaluationAt(view, 'before');
  const newest = view.evaluations[view.evaluations.length - 1];
  const scores = newest ? headScores(newest) : null;
  // An evaluation's total reward may be another sum than the run's.
  const agrees = totalsAgree(recipe);
  const most = totalRange(recipe)?.[1];
  const reward = latest(data.column('reward').smooth) ?? (agrees ? scores?.totalReward : null) ?? null;
  const format = latest(data.column('format').smooth) ?? scores?.formatCompliance ?? null;
  const stage = view.stage === 'grpo' || view.stage === 'after_grpo' ? 'grpo' : 'sft';
  const done = stepsDone(view.points, stage);
  const all = stepsDone(view.points, 'sft') + stepsDone(view.points, 'grpo');
  const planned = (view.planned.sft ?? 0) + (view.planned.grpo ?? 0);
  const clockNow = view.pausedSince ?? now;
  const left = isBusy(view) ? knownEta(view) : null;
  return (
    <dl className="figures num">
      <Figure name={`${STAGE_NAMES[stage]} step`} note={planned > 0 ? `${all} of ${planned} in all` : ''}>
        {done}
        {view.planned[stage] !== null && <small> / {view.planned[stage]}</small>}
      </Figure>
      <Figure name="Time left" note={`${clock(workedMs(view, now) / 1000)} so far`}>
        {etaText(left, view.progress?.time ?? now, clockNow)}
      </Figure>
      <Figure
        name="Total reward"
        ink={reward === null ? 'soft' : 'warmText'}
        note={before && agrees ? `${fixed(headScores(before).totalReward)} before` : ''}
      >
        {reward === null ? '–' : fixed(reward)}
        {reward !== null && most !== undefined && <small> / {Number(most.toFixed(2))}</small>}
      </Figure>
      <Figure
        name="Format compliance"
        ink={format === null ? 'soft' : 'rise'}
        note={before ? `${percent(headScores(before).formatCompliance)} before` : ''}
      >
        {format === null ? '–' : percent(format)}
      </Figure>
    </dl>
  );
}

/** The reported estimate; a zero before the last stage is no estimate. */
function knownEta({ progress }: RunView): number | null {
  if (!progress || (progress.etaSeconds === 0 && progress.stage !== 'after_grpo')) return null;
  return progress.etaSeconds;
}

interface FigureProps {
  name: string;
  note: string;
  ink?: string;
  children: React.ReactNode;
}

function Figure({ name, note, ink = '', children }: FigureProps): React.JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={`figure ${ink}`}>{children}</dd>
      <dd className="note">{note || '\u00a0'}</dd>
    </div>
  );
}

function ResumeButtons({ stored }: { stored: StoredRun }): React.JSX.Element {
  const [problem, attempt] = useAttempt();
  return (
    <div className="runButtons resumeButtons">
      <ResumeButton record={stored.record} attempt={attempt} />
      <ProblemText problem={problem} />
    </div>
  );
}

function RunButtons({ view }: { view: RunView }): React.JSX.Element | null {
  const [asking, setAsking] = useState(false);
  if (!isBusy(view)) return null;
  const { state } = view;
  return (
    <div className="runButtons">
      {state === 'paused' ? (
        <button id="resume" type="button" className="button" onClick={resumeRun}>
          <Icon name="play" /> Resume
        </button>
      ) : (
        <button id="pause" type="button" className="button" disabled={state !== 'running'} onClick={pauseRun}>
          <Icon name="pause" /> {state === 'pausing' ? 'Pausing' : 'Pause'}
        </button>
      )}
      <button
        id="stop"
        type="button"
        className="button"
        disabled={state === 'stopping'}
        onClick={() => setAsking(true)}
      >
        <Icon name="stop" size={12} /> {state === 'stopping' ? 'Stopping' : 'Stop'}
      </button>
      {asking && <StopDialog onClose={() => setAsking(false)} />}
    </div>
  );
}

function StopDialog({ onClose }: { onClose(): void }): React.JSX.Element {
  return (
    <Dialog title="Stop this run?" onClose={onClose}>
      <p className="soft">
        The run is saved as of its last finished step: its adapter, metrics and completions, and a checkpoint. It can be
        resumed from there at any time, here or from History; the step under way is then computed again.
      </p>
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Go on training
        </button>
        <button
          id="confirm-stop"
          type="button"
          className="button danger"
          onClick={() => {
            onClose();
            stopRun();
          }}
        >
          Stop and save
        </button>
      </div>
    </Dialog>
  );
}
