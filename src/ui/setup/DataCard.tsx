// Card 2: the rows to learn from. Files come in by drop or picker; the data worker checks and stores them.

import { useState } from 'react';
import { cancelImport, importDemo } from '../actions';
import { plural, fixed } from '../format';
import { Icon } from '../parts/Icon';
import { splitProblems, useDataset, type DatasetView } from '../store/dataset';
import { BLOCKED, useStorage } from '../store/storage';
import { DataTable } from './DataTable';
import { DropZone } from './DropZone';
import { ExampleStrip, FaintExamples } from './ExampleStrip';
import { LoadingNote } from './LoadingNote';
import { Problems } from './Problems';
import { SetupCard, type CardState } from './SetupCard';

const STEPS = {
  read: 'files read',
  images: 'pictures read',
  tokens: 'rows measured',
  save: 'pictures stored',
} as const;
const VERBS = { read: 'Reading rows', images: 'Reading pictures', tokens: 'Counting tokens', save: 'Storing' } as const;

/** The Data card with its five looks: empty, checking, ready, some rows unusable, nothing usable. */
export function DataCard(): React.JSX.Element {
  const view = useDataset();
  const blocked = useStorage((storage) => storage.blocked);
  const [looking, setLooking] = useState(false);
  if (blocked) {
    return (
      <SetupCard number={2} title="Data" line="The stored data cannot be reached." state={{ kind: 'problem' }}>
        <div className="problems" role="alert" data-code={BLOCKED.code}>
          <p className="label">{BLOCKED.message}</p>
          <p className="soft">{BLOCKED.hint}</p>
        </div>
      </SetupCard>
    );
  }
  return (
    <SetupCard number={2} title="Data" line={lineOf(view)} state={stateOf(view)}>
      <DropZone>
        {view.importing ? (
          <button type="button" className="button quiet" disabled={view.importing.stored} onClick={cancelImport}>
            Cancel
          </button>
        ) : view.bundled && view.info ? (
          // After a failure the way back to it is beside the problem.
          !view.failure && <span className="chip good inUse">Demo data in use</span>
        ) : (
          <button type="button" className="button soft" onClick={importDemo}>
            Use the demo data
          </button>
        )}
      </DropZone>
      {view.importing && <ImportBar view={view} />}
      {!view.importing && view.failure && (
        <Problems failure={view.failure.error} problems={view.failure.problems} instead={nameOf(view)} />
      )}
      {!view.importing && !view.info && !view.failure && <FaintExamples />}
      {!view.importing && view.info && (
        <>
          {!view.failure && !view.accepted && view.info.problems.length > 0 && (
            <Problems problems={view.info.problems} usable={view.rows.length} />
          )}
          <LoadingNote info={view.info} />
          <ExampleStrip rows={view.rows} />
          <p className="note tokens">{tokenLine(view)}</p>
          <button
            type="button"
            className="linkButton"
            aria-expanded={looking}
            onClick={() => setLooking((open) => !open)}
          >
            <Icon name={looking ? 'down' : 'right'} size={10} />
            {looking ? 'Close the table' : `Look through all ${plural(view.rows.length, 'row')}`}
          </button>
          {looking && <DataTable rows={view.rows} />}
        </>
      )}
    </SetupCard>
  );
}

function ImportBar({ view }: { view: DatasetView }): React.JSX.Element {
  const progress = view.importing?.progress;
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0;
  return (
    <div className="importBar">
      <div
        className="bar"
        role="progressbar"
        aria-label="Checking the data"
        aria-valuemin={0}
        aria-valuemax={progress?.total ?? 1}
        aria-valuenow={progress?.done ?? 0}
      >
        <i style={{ width: `${share * 100}%` }} />
      </div>
      <p className="note">
        {view.importing?.label}
        {progress && `: ${progress.done} of ${progress.total} ${STEPS[progress.step]}`}
      </p>
    </div>
  );
}

function lineOf(view: DatasetView): string {
  if (view.importing) {
    const { progress } = view.importing;
    return progress ? `${VERBS[progress.step]}, ${progress.done} of ${progress.total}.` : 'Looking at the files.';
  }
  if (view.failure) return view.info ? 'The new data cannot be used; the earlier data is kept.' : 'Nothing usable.';
  if (!view.info) return 'Choose rows to learn from.';
  const { trainRows, valRows, images, problems } = view.info;
  const { errors } = splitProblems(problems);
  const wrong = errors.length === 0 ? 'No errors.' : `${plural(errors.length, 'error')}.`;
  return `${plural(trainRows, 'row')} to train, ${valRows} to validate, ${plural(images, 'picture')}. ${wrong}`;
}

/** What the card calls the data that is in use; null for none. */
function nameOf({ info, bundled }: DatasetView): string | null {
  return bundled ? 'the demo data' : (info?.name ?? null);
}

function stateOf(view: DatasetView): CardState {
  if (view.importing) {
    const { progress } = view.importing;
    return { kind: 'checking', share: progress && progress.total > 0 ? progress.done / progress.total : null };
  }
  if (view.failure) return { kind: 'problem' };
  if (!view.info) return { kind: 'empty' };
  const { errors } = splitProblems(view.info.problems);
  return { kind: errors.length > 0 && !view.accepted ? 'problem' : 'ready' };
}

function tokenLine(view: DatasetView): string {
  const { promptTokens: prompt, targetTokens: target } = view.info!;
  if (!prompt || !target) return 'Token counts appear once a tokenizer has read the rows.';
  const span = ({ min, max, mean }: { min: number; max: number; mean: number }): string =>
    `${min} to ${max} tokens (mean ${fixed(mean, 0)})`;
  return `Prompts ${span(prompt)}, targets ${span(target)}. Nothing is cut.`;
}
