// The line of the Model card that says what the adapter starts from: fresh, or an adapter that PEFT or this page saved.

import { filesFromDrop, filesFromList } from '../../data/walkDrop';
import type { InputFile } from '../../protocol/messages';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { useSettings } from '../store/settings';
import { readAdapterFiles } from './adapterFiles';

async function take(files: Promise<InputFile[]> | InputFile[]): Promise<void> {
  useSettings.setState({ adapter: await readAdapterFiles(await files) });
}

/** Picks, shows and removes the adapter to start from. Files may be dropped on it as well. */
export function AdapterRow(): React.JSX.Element {
  const adapter = useSettings((settings) => settings.adapter);
  const [problem, attempt] = useAttempt();
  const pick = (input: HTMLInputElement): void => {
    const files = filesFromList(input.files ?? new DataTransfer().files);
    input.value = '';
    attempt(take(files));
  };
  return (
    <div
      className="adapterRow ruled"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        attempt(take(filesFromDrop(event.dataTransfer).then((given) => given?.files ?? [])));
      }}
    >
      <div className="rowBetween">
        {adapter ? (
          <p>
            <span className="soft">Starts from the adapter </span>
            <strong className="label">{adapter.source.name}</strong>
            <span className="num">
              : r {adapter.r}, alpha {adapter.lora_alpha} on {adapter.target_modules.join(', ')}
            </span>
          </p>
        ) : (
          <p className="soft">Starts from a fresh adapter.</p>
        )}
        <span className="buttons">
          {adapter && (
            <button type="button" className="linkButton" onClick={() => useSettings.setState({ adapter: null })}>
              Remove
            </button>
          )}
          <label className="linkButton" title="adapter_config.json and adapter_model.safetensors, or a zip with them">
            {adapter ? 'Another one' : 'Start from a PEFT adapter'}
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
      {adapter && (
        <p className="note">Its r, alpha and linears take the place of the recipe’s. It stays chosen until a reload.</p>
      )}
      <ProblemText problem={problem} />
    </div>
  );
}
