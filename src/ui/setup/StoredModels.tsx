// The models from the hub that this browser has stored, or has in folders on disk: use, go on, check, delete or forget.

import { useState } from 'react';
import type { StoredModelView } from '../../base/hubModel';
import { bytesText, percent } from '../format';
import { checkModel, chooseListed, goOnStored, removeModel } from '../hubActions';
import { Dialog } from '../parts/Dialog';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { useHub } from '../store/hub';
import { useSettings } from '../store/settings';

/** The list; nothing while there is none. */
export function StoredModels(): React.JSX.Element | null {
  const models = useHub((hub) => hub.models);
  const [asked, setAsked] = useState<StoredModelView | null>(null);
  const [problem, attempt] = useAttempt();
  if (!models || models.length === 0) return null;
  return (
    <div className="storedModels">
      <h3 className="label" id="storedModels">
        {models.some(({ folder }) => folder !== null) ? 'Stored models' : 'Stored in this browser'}
      </h3>
      <ul aria-labelledby="storedModels">
        {models.map((model) => (
          <StoredItem key={model.key} model={model} onDelete={() => setAsked(model)} />
        ))}
      </ul>
      <ProblemText problem={problem} />
      {asked && (
        <Dialog
          title={asked.folder === null ? 'Delete this model?' : 'Forget this folder?'}
          onClose={() => setAsked(null)}
        >
          <RemovalText model={asked} />
          <div className="actions">
            <button type="button" className="button" onClick={() => setAsked(null)}>
              Keep it
            </button>
            <button
              id="confirm-delete-model"
              type="button"
              className="button danger"
              onClick={() => {
                setAsked(null);
                attempt(removeModel(asked.key));
              }}
            >
              {asked.folder === null ? 'Delete' : 'Forget'}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function RemovalText({ model }: { model: StoredModelView }): React.JSX.Element {
  const { id, commit, arrived, folder } = model;
  if (folder !== null) {
    return (
      <>
        <p>
          {id} in the folder {folder}. Its files stay where they are; this browser only forgets where that is.
        </p>
        <p className="soft">The folder can be picked again at any time.</p>
      </>
    );
  }
  return (
    <>
      <p>
        {id} at {commit.slice(0, 12)}, {bytesText(arrived)}. It has to be fetched again before it can be trained, and
        before a run on it can be resumed.
      </p>
      <p className="soft">Runs, adapters and data stay.</p>
    </>
  );
}

function StoredItem({ model, onDelete }: { model: StoredModelView; onDelete(): void }): React.JSX.Element {
  const { key, id, whole, folder } = model;
  const [problem, attempt] = useAttempt();
  const task = useHub((hub) => hub.task);
  const checked = useHub((hub) => (hub.checked?.key === key ? hub.checked.text : null));
  const chosen = useSettings((settings) => settings.modelKind === 'stored' && settings.stored?.key === key);
  const busy = 'id' in task;
  const checking = task.kind === 'checking' && task.key === key;
  return (
    <li className="storedModel" data-model={key} data-whole={whole} data-folder={folder}>
      <div>
        <p>
          <span className="label">{id}</span>{' '}
          <span className={whole ? 'chip good' : 'chip warm'}>
            {whole ? (chosen ? 'in use' : 'whole') : `${percent(model.arrived / model.bytes)} here`}
          </span>
        </p>
        <p className="note num">
          {model.revision} ({model.commit.slice(0, 12)}), {bytesText(whole ? model.bytes : model.arrived)}
          {!whole && ` of ${bytesText(model.bytes)}`}, licence {model.licence?.name ?? 'not named'}, from{' '}
          {new URL(model.endpoint).host}
          {folder !== null && `, in the folder ${folder}`}
        </p>
        {(checking || checked !== null) && (
          <p className="note num" role="status">
            {checking ? `Reading its files again: ${percent(task.share)}` : checked}
          </p>
        )}
        <ProblemText problem={problem} />
      </div>
      <span className="buttons">
        {whole ? (
          <button
            type="button"
            className="button compact"
            disabled={chosen}
            aria-label={`Use ${id}`}
            onClick={() => attempt(chooseListed(model))}
          >
            Use
          </button>
        ) : (
          <button
            type="button"
            className="button compact"
            disabled={busy}
            aria-label={`Go on fetching ${id}`}
            onClick={() => attempt(goOnStored(model))}
          >
            Go on
          </button>
        )}
        <button
          type="button"
          className="button compact quiet"
          disabled={busy || model.arrived === 0}
          aria-label={`Check ${id}`}
          title="Reads every file again and holds it against the hash that the hub lists."
          onClick={() => attempt(checkModel(model))}
        >
          Check
        </button>
        <button
          type="button"
          className="button compact quiet"
          disabled={busy}
          aria-label={`${folder === null ? 'Delete' : 'Forget'} ${id}`}
          onClick={onDelete}
        >
          {folder === null ? 'Delete' : 'Forget'}
        </button>
      </span>
    </li>
  );
}
