// Card 1: which model is trained, and what its files say about it.

import { bytesText, count } from '../format';
import { Segmented } from '../parts/Segmented';
import { useHub } from '../store/hub';
import { useModel, type ModelLook } from '../store/model';
import { pickedAdapter, pickModelFolder, useSettings, type ChosenModel } from '../store/settings';
import { AdapterRow } from './AdapterRow';
import { hubLine, HubPanel } from './HubPanel';
import { ModelCopies } from './ModelCopies';
import { SetupCard, type CardState } from './SetupCard';

/** The Model card. A folder stays chosen until the page is reloaded: browsers do not keep picked files. */
export function ModelCard(): React.JSX.Element {
  const kind = useSettings((settings) => settings.modelKind);
  const picked = useSettings((settings) => settings.picked);
  const lora = useSettings((settings) => pickedAdapter(settings) ?? settings.recipe.lora);
  const stored = useSettings((settings) => settings.stored);
  const task = useHub((hub) => hub.task);
  const look = useModel((model) => model.look);
  const badAdapter = useSettings(({ adapter }) => adapter.kind === 'problem');
  const facts = look.kind === 'known' ? look.facts : null;
  return (
    <SetupCard
      number={1}
      title="Model"
      line={
        badAdapter && look.kind === 'known'
          ? 'The adapter to start from has a problem.'
          : look.kind === 'none' && kind === 'stored'
            ? hubLine(task)
            : lineOf(
                look,
                kind === 'stored' ? placeOf(stored) : kind === 'files' ? `From the folder ${picked?.name}.` : null,
              )
      }
      state={stateOf(look, badAdapter)}
    >
      <div className="rowBetween">
        <Segmented
          label="Where the model comes from"
          options={[
            { value: 'bundled', label: 'Demo (bundled)' },
            { value: 'stored', label: 'Hugging Face' },
            { value: 'files', label: 'From a folder' },
          ]}
          value={kind}
          onChange={(modelKind) => useSettings.setState({ modelKind })}
        />
        <label className={kind === 'files' ? 'button' : 'visuallyHidden'}>
          {picked ? 'Choose another folder' : 'Choose the model’s folder'}
          <input
            id="pick-model"
            className="visuallyHidden"
            type="file"
            multiple
            tabIndex={kind === 'files' ? 0 : -1}
            {...{ webkitdirectory: '' }}
            onChange={(event) => pickModelFolder(event.currentTarget)}
          />
        </label>
      </div>
      {kind === 'stored' && <HubPanel />}
      {look.kind === 'problem' && <p className="cardNote">{look.error.hint}</p>}
      {look.kind === 'none' && kind === 'files' && (
        <p className="cardNote">
          A Hugging Face folder: config.json, the tokenizer’s and the processor’s files and the .safetensors files.
        </p>
      )}
      {facts && (
        <dl className="facts4">
          <Fact name="Architecture" value={`${facts.architecture}, ${facts.layers} layers`} />
          <Fact name="Parameters" value={count(facts.parameters)} />
          <Fact name={`Size in ${facts.dtype}`} value={bytesText(facts.bytes)} />
          <Fact name={`LoRA on ${lora.target_modules.join(', ')}`} value={`r ${lora.r}, alpha ${lora.lora_alpha}`} />
        </dl>
      )}
      {facts?.notes.map((note) => (
        <p key={note} className="cardNote">
          {note}
        </p>
      ))}
      <ModelCopies />
      <AdapterRow />
    </SetupCard>
  );
}

function Fact({ name, value }: { name: string; value: string }): React.JSX.Element {
  return (
    <div>
      <dt className="note">{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function placeOf(stored: ChosenModel | null): string {
  return stored?.folder
    ? `${stored.id}, in the folder ${stored.folder.name}.`
    : `${stored?.id}, stored in this browser.`;
}

/** @param place where the model is, in words; null: in the page */
function lineOf(look: ModelLook, place: string | null): string {
  switch (look.kind) {
    case 'none':
      return 'Choose the folder of a Qwen2.5-VL model.';
    case 'reading':
      return 'Reading the model’s files.';
    case 'problem':
      return look.error.message;
    case 'known':
      return place ?? 'Demo model is in the page. Nothing to download.';
    default:
      return look satisfies never;
  }
}

function stateOf(look: ModelLook, badAdapter: boolean): CardState {
  switch (look.kind) {
    case 'none':
      return { kind: 'empty' };
    case 'reading':
      return { kind: 'checking', share: null };
    case 'problem':
      return { kind: 'problem' };
    case 'known':
      return { kind: badAdapter ? 'problem' : 'ready' };
    default:
      return look satisfies never;
  }
}
