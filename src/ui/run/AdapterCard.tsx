// What the run leaves: the adapter, its figures, the Python that loads it, and the run's tables.

import { useState } from 'react';
import { LorikeetError, toErrorRecord } from '../../base/errors';
import type { RunSummary } from '../../protocol/messages';
import { adapterFolder, adapterZip, pythonLines } from '../exports/adapter';
import { chartsPng } from '../exports/chartsPng';
import { completionsJsonl, incompleteNote, metricsCsv } from '../exports/runTables';
import { saveFile } from '../exports/saveFile';
import type { Recipe } from '../../recipe/config';
import { bytesText, count } from '../format';
import { Icon } from '../parts/Icon';
import type { RunView } from '../store/runView';
import { PythonCode } from './PythonCode';

export interface AdapterCardProps {
  view: RunView;
  summary: RunSummary;
  recipe: Recipe;
  modelName: string;
}

/** The Adapter card. */
export function AdapterCard({ view, summary, recipe, modelName }: AdapterCardProps): React.JSX.Element {
  const [problem, setProblem] = useState<string | null>(null);
  const [copied, setCopied] = useState(false);
  const folder = adapterFolder(modelName);
  const python = pythonLines(modelName, folder);
  const { adapter } = summary;
  const attempt = (work: Promise<void>): void => {
    setProblem(null);
    work.catch((error: unknown) => setProblem(toErrorRecord(error).message));
  };
  const download = async (): Promise<void> =>
    saveFile(`${folder}.zip`, await adapterZip(view.runId, folder), 'application/zip');
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(python);
    setCopied(true);
  };
  return (
    <section className="card adapterCard" aria-label="Adapter">
      <div className="rowBetween">
        <h2 className="heading">Adapter</h2>
        <span className="chip">PEFT</span>
      </div>
      <button id="download-adapter" type="button" className="button primary" onClick={() => attempt(download())}>
        <Icon name="download" size={15} /> Download adapter
      </button>
      {problem && (
        <p className="badText" role="alert">
          {problem}
        </p>
      )}
      <dl className="adapterFiles">
        <dt className="mono">adapter_model.safetensors</dt>
        <dd className="num">
          {count(adapter.parameters)} parameters, {bytesText(adapter.bytes)}
        </dd>
        <dt className="mono">adapter_config.json</dt>
        <dd className="num">
          r {adapter.r}, alpha {adapter.lora_alpha}
        </dd>
      </dl>
      <PythonCode code={python} />
      <div className="adapterLinks">
        <button type="button" className="linkButton" onClick={() => attempt(copy())}>
          {copied ? 'Copied' : 'Copy'}
        </button>
        <button
          type="button"
          className="linkButton"
          onClick={() => attempt(metricsCsv(view).then((table) => saveFile('metrics.csv', table)))}
        >
          Metrics CSV
        </button>
        <button type="button" className="linkButton" onClick={() => attempt(saveCompletions(view))}>
          Completions
        </button>
        <button
          type="button"
          className="linkButton"
          onClick={() => attempt(chartsPng(view, recipe).then((bytes) => saveFile('charts.png', bytes, 'image/png')))}
        >
          Charts PNG
        </button>
      </div>
    </section>
  );
}

/** Errors: artifact.incomplete, once what there is has been saved. */
async function saveCompletions(view: RunView): Promise<void> {
  const { content, missing } = await completionsJsonl(view);
  saveFile('completions.jsonl', content);
  const note = incompleteNote(missing);
  if (note !== null) throw new LorikeetError('artifact.incomplete', note);
}
