// Card 1: which model is trained, and what its files say about it.

import { useEffect, useState } from 'react';
import { toErrorRecord, type ErrorRecord } from '../../base/errors';
import { bytesText, count } from '../format';
import { Segmented } from '../parts/Segmented';
import { modelSource, pickModelFolder, useSettings } from '../store/settings';
import { AdapterRow } from './AdapterRow';
import { factsOfFiles, factsOfUrl, type ModelFacts } from './modelFacts';
import { SetupCard, type CardState } from './SetupCard';

type Look = { facts: ModelFacts } | { error: ErrorRecord } | 'reading' | 'none';

/** The Model card. A folder stays chosen until the page is reloaded: browsers do not keep picked files. */
export function ModelCard(): React.JSX.Element {
  const kind = useSettings((settings) => settings.modelKind);
  const picked = useSettings((settings) => settings.picked);
  const lora = useSettings(({ adapter, recipe }) => adapter ?? recipe.lora);
  const look = useFacts();
  const facts = typeof look === 'object' && 'facts' in look ? look.facts : null;
  return (
    <SetupCard number={1} title="Model" line={lineOf(look, kind, picked?.name)} state={stateOf(look)}>
      <div className="rowBetween">
        <Segmented
          label="Where the model comes from"
          options={[
            { value: 'bundled', label: 'Demo (bundled)' },
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
      {typeof look === 'object' && 'error' in look && <p className="cardNote">{look.error.hint}</p>}
      {look === 'none' && (
        <p className="cardNote">
          A Hugging Face folder: config.json, tokenizer.json, preprocessor_config.json and the .safetensors files.
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

function useFacts(): Look {
  const kind = useSettings((settings) => settings.modelKind);
  const picked = useSettings((settings) => settings.picked);
  const [look, setLook] = useState<Look>('reading');
  useEffect(() => {
    const source = modelSource(useSettings.getState());
    if (!source) {
      useSettings.setState({ modelProblem: null });
      setLook('none');
      return;
    }
    let current = true;
    setLook('reading');
    useSettings.setState({ modelProblem: null });
    const reading = source.kind === 'bundled' ? factsOfUrl(source.url) : factsOfFiles(source.files);
    reading.then(
      (facts) => current && setLook({ facts }),
      (thrown: unknown) => {
        if (!current) return;
        const error = toErrorRecord(thrown);
        setLook({ error });
        useSettings.setState({ modelProblem: error });
      },
    );
    return () => {
      current = false;
    };
  }, [kind, picked]);
  return look;
}

function lineOf(look: Look, kind: string, folder?: string): string {
  if (look === 'none') return 'Choose the folder of a Qwen2.5-VL model.';
  if (look === 'reading') return 'Reading the model’s files.';
  if ('error' in look) return look.error.message;
  return kind === 'bundled' ? 'Demo model is in the page. Nothing to download.' : `From the folder ${folder}.`;
}

function stateOf(look: Look): CardState {
  if (look === 'none') return { kind: 'empty' };
  if (look === 'reading') return { kind: 'checking', share: null };
  return { kind: 'error' in look ? 'problem' : 'ready' };
}
