// The 4-bit copies of base models that this browser keeps: whether new ones are made; check, delete.

import { useState } from 'react';
import type { ModelCopy } from '../../base/modelCopy';
import { bytesText, percent } from '../format';
import { checkCopy, removeCopy } from '../hubActions';
import { Dialog } from '../parts/Dialog';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { useCopies } from '../store/copies';
import { setKeepCopy, useSettings } from '../store/settings';

/** Choice and list; nothing of it where the base is not held in 4 bits and no copy is here. */
export function ModelCopies(): React.JSX.Element | null {
  const copies = useCopies((view) => view.copies) ?? [];
  const checked = useCopies((view) => view.checked);
  const possible = useSettings(({ modelKind, recipe }) => modelKind !== 'bundled' || recipe.load_in_4bit === true);
  const [asked, setAsked] = useState<ModelCopy | null>(null);
  const [problem, attempt] = useAttempt();
  // What was found of a copy that is gone by that is told below the others.
  const gone = checked && !copies.some(({ key }) => key === checked.key);
  if (!possible && copies.length === 0 && !gone) return null;
  return (
    <div className="modelCopies">
      {possible && <KeepChoice />}
      {copies.length > 0 && (
        <ul aria-label="4-bit copies in this browser">
          {copies.map((copy) => (
            <CopyItem key={copy.key} copy={copy} onDelete={() => setAsked(copy)} />
          ))}
        </ul>
      )}
      {gone && (
        <p className="note" role="status">
          4-bit copy of {checked.name}: {checked.text}
        </p>
      )}
      <ProblemText problem={problem} />
      {asked && (
        <DeleteDialog
          copy={asked}
          onKeep={() => setAsked(null)}
          onDelete={() => {
            setAsked(null);
            attempt(removeCopy(asked.key));
          }}
        />
      )}
    </div>
  );
}

function KeepChoice(): React.JSX.Element {
  const keep = useSettings((settings) => settings.keepCopy);
  return (
    <div>
      <label className="checkRow">
        <input
          id="keep-copy"
          type="checkbox"
          checked={keep}
          aria-describedby="keepCopyHelp"
          onChange={(event) => setKeepCopy(event.currentTarget.checked)}
        />
        Keep a 4-bit copy for faster starts
      </label>
      <p className="note" id="keepCopyHelp">
        Made in this browser’s own storage by the first run that holds the model in 4 bits; of the 3B about 2.6 GB.
      </p>
    </div>
  );
}

function dayOf(time: number): string {
  return new Date(time).toLocaleDateString(undefined, { dateStyle: 'medium' });
}

function CopyItem({ copy, onDelete }: { copy: ModelCopy; onDelete(): void }): React.JSX.Element {
  const { key, name, bytes, sourceBytes, createdAt } = copy;
  const checking = useCopies((view) => view.checking);
  const found = useCopies((view) => (view.checked?.key === key ? view.checked.text : null));
  const own = checking?.key === key;
  return (
    <li className="storedModel" data-copy={key}>
      <div>
        <p className="label">4-bit copy of {name}</p>
        <p className="note num">
          {bytesText(bytes)} (its files: {bytesText(sourceBytes)}), kept {dayOf(createdAt)}
        </p>
        {(own || found !== null) && (
          <p className="note num" role="status">
            {own ? `Reading it again: ${percent(checking.share)}` : found}
          </p>
        )}
      </div>
      <span className="buttons">
        <button
          type="button"
          className="button compact quiet"
          disabled={checking !== null}
          aria-label={`Check the 4-bit copy of ${name}`}
          title="Reads all of it again and holds it against the hashes that it was written with."
          onClick={() => checkCopy(key)}
        >
          Check
        </button>
        <button
          type="button"
          className="button compact quiet"
          disabled={own}
          aria-label={`Delete the 4-bit copy of ${name}`}
          onClick={onDelete}
        >
          Delete
        </button>
      </span>
    </li>
  );
}

interface DeleteProps {
  copy: ModelCopy;
  onKeep(): void;
  onDelete(): void;
}

function DeleteDialog({ copy: { name, bytes }, onKeep, onDelete }: DeleteProps): React.JSX.Element {
  return (
    <Dialog title="Delete this copy?" onClose={onKeep}>
      <p>
        The 4-bit copy of {name}, {bytesText(bytes)}. The next start reads the model’s own files again.
      </p>
      <p className="soft">The model itself, runs and adapters stay.</p>
      <div className="actions">
        <button type="button" className="button" onClick={onKeep}>
          Keep it
        </button>
        <button id="confirm-delete-copy" type="button" className="button danger" onClick={onDelete}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
