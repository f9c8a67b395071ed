// The files of a model, from the page's own server or from a folder that the user picked.

import { LorikeetError } from '../base/errors';
import { checkModelFolder } from '../formats/modelFolder';
import type { ModelSource } from '../protocol/messages';

const WEIGHTS = ['model.safetensors', 'model.safetensors.index.json'];

async function fetchFile(url: string): Promise<Blob | null> {
  const response = await fetch(url);
  // A server of a single page answers unknown paths with that page.
  const page = response.headers.get('content-type')?.includes('text/html') ?? false;
  return response.ok && !page ? response.blob() : null;
}

async function fetchBundled(url: string): Promise<Record<string, Blob>> {
  const base = url.endsWith('/') ? url : `${url}/`;
  const files: Record<string, Blob> = {};
  for (const name of ['config.json', 'generation_config.json', ...WEIGHTS]) {
    if (name === WEIGHTS[1] && files[WEIGHTS[0]]) continue;
    const blob = await fetchFile(base + name);
    if (blob) files[name] = blob;
  }
  return files;
}

export interface ModelFiles {
  files: Record<string, Blob>;
  config: unknown;
  generation: unknown;
  /** For adapter_config.json: what the base model is called. */
  name: string;
}

async function parseJson(files: Record<string, Blob>, name: string): Promise<unknown> {
  try {
    return JSON.parse(await files[name].text()) as unknown;
  } catch (error) {
    throw new LorikeetError('model.json', `${name}: not valid JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

/** @throws model.missing, model.json */
export async function readModelFiles(model: ModelSource): Promise<ModelFiles> {
  const files = model.kind === 'bundled' ? await fetchBundled(model.url) : model.files;
  // A bundled model's other files are fetched by who reads them.
  checkModelFolder(Object.keys(files), model.kind === 'bundled' ? ['config.json'] : undefined);
  const config = await parseJson(files, 'config.json');
  const generation = files['generation_config.json'] ? await parseJson(files, 'generation_config.json') : undefined;
  const given = (config as { _name_or_path?: unknown })._name_or_path;
  const name = typeof given === 'string' && given ? given : model.kind === 'bundled' ? 'demo/model' : model.name;
  return { files, config, generation, name };
}
