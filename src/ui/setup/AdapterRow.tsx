// The line of the Model card that says what the adapter starts from: fresh, or an adapter that PEFT or this page saved.

import { filesFromDrop, filesFromList } from '../../data/walkDrop';
import { orShow } from '../actions';
import { ProblemText } from '../parts/ProblemText';
import { useSettings, type AdapterChoice } from '../store/settings';
import { takeAdapter, takeFreshAdapter } from './adapterFiles';

/** Picks, shows and removes the adapter to start from. Files may be dropped on it as well. */
export function AdapterRow(): React.JSX.Element {
  const adapter = useSettings((settings) => settings.adapter);
  const pick = (input: HTMLInputElement): void => {
    const files = filesFromList(input.files ?? new DataTransfer().files);
    input.value = '';
    void takeAdapter(files);
  };
  return (
    <div
      className="adapterRow ruled"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        orShow(filesFromDrop(event.dataTransfer).then((given) => given && takeAdapter(given.files)));
      }}
    >
      <div className="rowBetween">
        <AdapterLine choice={adapter} />
        <span className="buttons">
          {adapter.kind !== 'fresh' && (
            <button type="button" className="linkButton" onClick={takeFreshAdapter}>
              {adapter.kind === 'problem' ? 'Use a fresh adapter instead' : 'Remove'}
            </button>
          )}
          <label className="linkButton" title="adapter_config.json and adapter_model.safetensors, or a zip with them">
            {adapter.kind !== 'fresh' ? 'Another one' : 'Start from a PEFT adapter'}
            <input
              id="pick-adapter"
              className="visuallyHidden"
              type="file"
              multiple
              accept=".json,.safetensors,.zip"
              onChange={(event) => pick(event.currentTarget)}
            />
          </label>
          <label className="linkButton">
            or a folder
            <input
              id="pick-adapter-folder"
              className="visuallyHidden"
              type="file"
              multiple
              {...{ webkitdirectory: '' }}
              onChange={(event) => pick(event.currentTarget)}
            />
          </label>
        </span>
      </div>
      {adapter.kind === 'known' && (
        <p className="note">Its r, alpha and linears take the place of the recipe’s. It stays chosen until a reload.</p>
      )}
      {adapter.kind === 'problem' && <ProblemText problem={adapter.error} />}
    </div>
  );
}

function AdapterLine({ choice }: { choice: AdapterChoice }): React.JSX.Element {
  switch (choice.kind) {
    case 'fresh':
      return <p className="soft">Starts from a fresh adapter.</p>;
    case 'reading':
      return <p className="soft">Reading the adapter’s files.</p>;
    case 'problem':
      return <p className="label">The adapter that was chosen cannot be used.</p>;
    case 'known':
      return (
        <p>
          <span className="soft">Starts from the adapter </span>
          <strong className="label">{choice.adapter.source.name}</strong>
          <span className="num">
            : r {choice.adapter.r}, alpha {choice.adapter.lora_alpha} on {choice.adapter.target_modules.join(', ')}
          </span>
        </p>
      );
    default:
      return choice satisfies never;
  }
}
