// Whether the run that is set up fits the GPU, by phase and part, and what to change where it does not.

import { useEffect, useState } from 'react';
import type { ChangeEffect } from '../../planner/changes';
import type { Part, Phase, PhaseMemory } from '../../planner/gpuPhases';
import type { RunPlan } from '../../protocol/messages';
import { planRun } from '../actions';
import { bytesText, duration, percent } from '../format';
import { Icon } from '../parts/Icon';
import { useDataset } from '../store/dataset';
import { useDevice } from '../store/device';
import { useGpuMemory } from '../store/gpuMemory';
import { useModel } from '../store/model';
import { isBusy, useRun } from '../store/run';
import { planRequest, useRunPlan } from '../store/runPlan';
import { setRecipe, useSettings } from '../store/settings';

const PHASES: Record<Phase, string> = {
  load: 'Loading',
  encode: 'Pictures',
  evaluate: 'Evaluation',
  sft: 'SFT step',
  rollout: 'GRPO rollout',
  grpo: 'GRPO step',
  checkpoint: 'Checkpoint',
};

const PARTS: Record<Part, string> = {
  weights: 'weights',
  tower: 'vision tower',
  adapter: 'adapter and optimizer',
  activations: 'activations',
  workspace: 'one layer’s work',
  logits: 'logits',
  kv: 'keys and values',
  features: 'picture features',
  staging: 'transfers',
};

/** Typing in the form asks once. */
const SETTLE_MS = 400;

/** Asks for a new plan whenever something that it is made of has changed. */
function usePlanning(): void {
  const settings = useSettings();
  const id = useDataset(({ info }) => info?.id);
  const importing = useDataset(({ importing: under }) => under !== null);
  const look = useModel(({ look: found }) => found);
  const adapter = useDevice(({ adapter: found }) => found);
  const busy = useRun((run) => isBusy(run.view));
  const memory = useGpuMemory();
  const { recipe, seed, picked, modelKind, adapter: start } = settings;
  useEffect(() => {
    // A run that trains needs the processor more; its plan has been made.
    if (busy || importing || planRequest() === null) return undefined;
    // What fails is on show beside the button that caused it.
    const timer = setTimeout(() => void planRun().catch(() => undefined), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [recipe, seed, picked, modelKind, start, id, importing, look, adapter, memory, busy]);
}

/** The plan of the run that is set up; nothing before there is one. */
export function PlanPanel(): React.JSX.Element | null {
  usePlanning();
  const { plan, error, waiting } = useRunPlan();
  if (error) {
    return (
      <div className="planPanel" role="status" data-code={error.code}>
        <p className="badText">{error.message}</p>
        {error.hint && <p className="note">{error.hint}</p>}
      </div>
    );
  }
  if (!plan) return null;
  return (
    <section className="planPanel" aria-label="What the run takes" aria-busy={waiting}>
      <Verdict {...plan} />
      {plan.changes.length > 0 && <Changes changes={plan.changes} usable={plan.plan.usableBytes} />}
      <Details {...plan} />
    </section>
  );
}

function Verdict({ plan, gpuMemoryGb }: RunPlan): React.JSX.Element {
  const { peak, fits, usableBytes, seconds, flops } = plan;
  return (
    <p className="planVerdict" role="status">
      <span className={fits ? 'rise' : 'badText'}>
        <Icon name={fits ? 'check' : 'warning'} />
      </span>
      <span>
        <strong>{fits ? 'Fits' : 'Does not fit'}</strong>: at most {bytesText(peak.total)} of GPU memory (
        {PHASES[peak.phase]}); of {gpuMemoryGb} GB, {bytesText(usableBytes)} may be used.{' '}
        {seconds === null ? `${workText(flops)} to compute.` : `About ${duration(seconds)}.`}
      </span>
    </p>
  );
}

/** Operations in words. */
function workText(flops: number): string {
  return flops < 1e12
    ? `${(flops / 1e9).toFixed(1)} GFLOP`
    : `${Math.round(flops / 1e12).toLocaleString('en-US')} TFLOP`;
}

function Changes({ changes, usable }: { changes: ChangeEffect[]; usable: number }): React.JSX.Element {
  return (
    <ul className="planChanges">
      {changes.map((change) => (
        <li key={change.option}>
          <button type="button" className="button compact" onClick={() => setRecipe(change.recipe)}>
            Set {change.option} to {JSON.stringify(change.value)}
          </button>
          <span className="note">
            {bytesText(-change.bytes)} less{change.peakBytes <= usable ? ': it fits' : ''}, {workChange(change)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function workChange({ workRatio }: ChangeEffect): string {
  const percents = Math.round((workRatio - 1) * 100);
  return percents === 0
    ? 'no more time'
    : percents > 0
      ? `${percents}% more to compute`
      : `${-percents}% less to compute`;
}

function Details({ plan }: RunPlan): React.JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="linkButton" aria-expanded={open} onClick={() => setOpen((now) => !now)}>
        <Icon name={open ? 'down' : 'right'} size={10} />
        {open ? 'Close the plan' : 'See memory by phase and part'}
      </button>
      {open && (
        <>
          <PhaseTable phases={plan.phases} usable={plan.usableBytes} />
          <p className="note">
            At its fullest ({PHASES[plan.peak.phase]}): {partsText(plan.peak)}. Beside the GPU,{' '}
            {bytesText(sum(plan.host))} of memory and {bytesText(sum(plan.storage))} of storage.
          </p>
        </>
      )}
    </>
  );
}

function sum(values: object): number {
  return Object.values(values as Record<string, number>).reduce((a, b) => a + b, 0);
}

/** The parts from the largest down, those below a hundredth left out. */
function partsText({ parts, total }: PhaseMemory): string {
  return (Object.entries(parts) as [Part, number][])
    .filter(([, bytes]) => bytes >= total / 100)
    .sort(([, a], [, b]) => b - a)
    .map(([part, bytes]) => `${PARTS[part]} ${bytesText(bytes)}`)
    .join(', ');
}

function PhaseTable({ phases, usable }: { phases: PhaseMemory[]; usable: number }): React.JSX.Element {
  return (
    <table className="planTable num">
      <thead>
        <tr>
          <th scope="col">GPU memory</th>
          <th scope="col">at most</th>
          <th scope="col">of what may be used</th>
        </tr>
      </thead>
      <tbody>
        {phases.map(({ phase, total }) => (
          <tr key={phase}>
            <th scope="row">{PHASES[phase]}</th>
            <td>{bytesText(total)}</td>
            <td className={total > usable ? 'badText' : undefined}>{percent(total / usable)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
