// Every file that a finished run offers, by name: stored ones from storage, derived ones made here.

import { LorikeetError } from '../../base/errors';
import { getArtifact } from '../../storage/runs';
import type { Recipe } from '../../recipe/config';
import type { RunView } from '../store/runView';
import { chartsPng } from './chartsPng';
import { completionsJsonl, incompleteNote, metricsCsv } from './runTables';

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

export interface Artifact {
  bytes: Uint8Array<ArrayBuffer>;
  /** What the file lacks, as a sentence; null when it is whole. */
  note: string | null;
}

/** A run's file. Errors: artifact.missing. */
export async function artifactOf(view: RunView, recipe: Recipe, name: ArtifactName): Promise<Artifact> {
  switch (name) {
    case 'metrics.csv':
      return whole(await bytesOf(await metricsCsv(view)));
    case 'completions.jsonl': {
      const { content, missing } = await completionsJsonl(view);
      return { bytes: await bytesOf(content), note: incompleteNote(missing) };
    }
    case 'charts.png':
      return whole(await chartsPng(view, recipe));
    case 'summary.json':
      if (!view.summary) throw new LorikeetError('artifact.missing', 'summary.json: the run has not finished');
      return whole(new TextEncoder().encode(JSON.stringify(view.summary, null, 2) + '\n'));
    case 'adapter_config.json':
    case 'adapter_model.safetensors':
    case 'case.json':
    case 'case.safetensors': {
      const bytes = await getArtifact(view.runId, name);
      if (!bytes) throw new LorikeetError('artifact.missing', `${name} of run ${view.runId} is not stored`);
      return whole(bytes);
    }
  }
}

function whole(bytes: Uint8Array<ArrayBuffer>): Artifact {
  return { bytes, note: null };
}

async function bytesOf(content: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await content.arrayBuffer());
}
