// Whether the run that is set up fits the GPU, by phase and part, and what to change where it does not.

import { useEffect, useLayoutEffect, useState } from 'react';
import { PHASE_NAMES } from '../../base/planWords.mjs';
import type { ChangeEffect } from '../../planner/changes';
import type { PhaseMemory } from '../../planner/gpuPhases';
import type { Part } from '../../planner/parts';
import type { RunPlan } from '../../protocol/messages';
import { planRun } from '../actions';
import { bytesText, percent } from '../format';
import { Icon, Ring } from '../parts/Icon';
import { useDataset } from '../store/dataset';
import { useDevice } from '../store/device';
import { forgetDryRun, useDryRun } from '../store/dryRun';
import { useGpuMemory } from '../store/gpuMemory';
import { useModel } from '../store/model';
import { useMeasuredRates } from '../store/rates';
import { isBusy, useRun } from '../store/run';
import { clearPlan, outdatePlan, planRequest, takeChange, useRunPlan } from '../store/runPlan';
import { useSettings } from '../store/settings';
import { useStorage } from '../store/storage';
import { Measuring, TimePanel } from './TimePanel';

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

/** Asks for a new plan whenever something that it is made of has changed, and takes back the one before. */
function usePlanning(): void {
  const { recipe, seed, picked, stored, modelKind, adapter: start } = useSettings();
  const id = useDataset(({ info }) => info?.id);
  const look = useModel(({ look: found }) => found);
  const adapter = useDevice(({ adapter: found }) => found);
  const memory = useGpuMemory();
  const rates = useMeasuredRates();
  const ready = useReady();
  // Before anything is painted: not for one frame does a verdict stand beside settings that it was not made of.
  useLayoutEffect(() => {
    if (!ready) return clearPlan();
    outdatePlan();
    // What fails is on show beside the button that caused it.
    const timer = setTimeout(() => void planRun().catch(() => undefined), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [recipe, seed, picked, stored, modelKind, start, id, look, adapter, memory, rates, ready]);
  // Not where the rates alone are new: they come from the dry run whose notices are on show.
  useEffect(() => forgetDryRun(), [recipe, seed, picked, stored, modelKind, start, id, memory]);
}

/** Whether there is something to plan; not while a run is under way, which needs the processor more. */
function useReady(): boolean {
  // All that a start, and so a plan, may wait for.
  useDataset();
  useStorage();
  useRun((run) => isBusy(run.view));
  useDevice(({ guard }) => guard);
  return planRequest() !== null;
}

/** The plan of the run that is set up, nothing before there is one; and the dry run under way, with a plan or without. */
export function PlanPanel(): React.JSX.Element | null {
  usePlanning();
  const { plan, error, waiting } = useRunPlan();
  const isMeasuring = useDryRun(({ id }) => id !== null);
  if (error) {
    return (
      <div className="planPanel" role="status" data-code={error.code} aria-busy={waiting}>
        <p className="badText">{error.message}</p>
        {error.hint && <p className="note">{error.hint}</p>}
        <Measuring />
      </div>
    );
  }
  if (!plan && !isMeasuring) return null;
  return (
    <section className="planPanel" aria-label="What the run takes" aria-busy={waiting}>
      {plan && <Planned {...plan} waiting={waiting} />}
      <Measuring />
      {plan && <Details {...plan} />}
    </section>
  );
}

/** What a plan says at once. */
function Planned({ waiting, ...planned }: RunPlan & { waiting: boolean }): React.JSX.Element {
  const { plan, changes } = planned;
  return (
    <>
      <Verdict {...planned} waiting={waiting} />
      {changes.length > 0 && <Changes changes={changes} usable={plan.usableBytes} waiting={waiting} />}
      <TimePanel plan={plan} waiting={waiting} />
    </>
  );
}

/** @param props.waiting the figures are those of the settings before */
function Verdict({ plan, gpuMemoryGb, waiting }: RunPlan & { waiting: boolean }): React.JSX.Element {
  const { peak, fits, usableBytes, flops } = plan;
  const figures = (
    <>
      at most {bytesText(peak.total)} of GPU memory ({PHASE_NAMES[peak.phase]}); of {gpuMemoryGb} GB,{' '}
      {bytesText(usableBytes)} may be used. {workText(flops)} to compute.
    </>
  );
  if (waiting) {
    return (
      <p className="planVerdict soft" role="status">
        <span>
          <Ring kind="dashed" />
        </span>
        <span>Planning anew. Before: {figures}</span>
      </p>
    );
  }
  return (
    <p className="planVerdict" role="status">
      <span className={fits ? 'rise' : 'badText'}>
        <Icon name={fits ? 'check' : 'warning'} />
      </span>
      <span>
        <strong>{fits ? 'Fits' : 'Does not fit'}</strong>: {figures}
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

interface ChangesProps {
  changes: ChangeEffect[];
  usable: number;
  waiting: boolean;
}

function Changes({ changes, usable, waiting }: ChangesProps): React.JSX.Element {
  return (
    <ul className="planChanges">
      {changes.map((change) => (
        <li key={change.set[0]!.option}>
          <button type="button" className="button compact" disabled={waiting} onClick={() => takeChange(change)}>
            Set {change.set.map(({ option, value }) => `${option} to ${JSON.stringify(value)}`).join(' and ')}
          </button>
          <span className="note">
            {bytesText(-change.bytes)} less{!waiting && change.peakBytes <= usable ? ': it fits' : ''},{' '}
            {workChange(change)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function workChange({ workRatio }: ChangeEffect): string {
  const percents = Math.round((workRatio - 1) * 100);
  return percents === 0
    ? 'no more to compute'
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
            At its fullest ({PHASE_NAMES[plan.peak.phase]}): {partsText(plan.peak)}. Chrome rounds its buffers up by up
            to {bytesText(plan.peak.rounding)}, which come out of the tenth that is kept free. Beside the GPU,{' '}
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
            <th scope="row">{PHASE_NAMES[phase]}</th>
            <td>{bytesText(total)}</td>
            <td className={total > usable ? 'badText' : undefined}>{percent(total / usable)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
