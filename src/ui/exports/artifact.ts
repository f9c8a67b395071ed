// Every file that a finished run offers, by name: stored ones from storage, derived ones made here.

import { LorikeetError } from '../../base/errors';
import { getArtifact } from '../../storage/runs';
import type { Recipe } from '../../recipe/config';
import type { RunView } from '../store/runView';
import { chartsPng } from './chartsPng';
import { completionsJsonl, metricsCsv } from './runTables';

export const ARTIFACTS = [
  'adapter_config.json',
  'adapter_model.safetensors',
  'metrics.csv',
  'completions.jsonl',
  'charts.png',
  'case.json',
  'case.safetensors',
  'summary.json',
] as const;

export type ArtifactName = (typeof ARTIFACTS)[number];

/** The bytes of a run's file. Errors: artifact.missing. */
export async function artifactBytes(
  view: RunView,
  recipe: Recipe,
  name: ArtifactName,
): Promise<Uint8Array<ArrayBuffer>> {
  switch (name) {
    case 'metrics.csv':
      return bytesOf(await metricsCsv(view));
    case 'completions.jsonl':
      return bytesOf((await completionsJsonl(view)).content);
    case 'charts.png':
      return chartsPng(view, recipe);
    case 'summary.json':
      if (!view.summary) throw new LorikeetError('artifact.missing', 'summary.json: the run has not finished');
      return new TextEncoder().encode(JSON.stringify(view.summary, null, 2) + '\n');
    case 'adapter_config.json':
    case 'adapter_model.safetensors':
    case 'case.json':
    case 'case.safetensors': {
      const bytes = await getArtifact(view.runId, name);
      if (!bytes) throw new LorikeetError('artifact.missing', `${name} of run ${view.runId} is not stored`);
      return bytes;
    }
  }
}

async function bytesOf(content: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await content.arrayBuffer());
}
