// The files of a model, from the page's own server or from a folder that the user picked.

import { checkModelFolder } from '../formats/modelFolder';
import type { ModelSource } from '../protocol/messages';
import { parseModelJson } from './modelJson';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

async function fetchFile(url: string): Promise<Blob | null> {
  const response = await fetch(url);
  // A server of a single page answers unknown paths with that page.
  const page = response.headers.get('content-type')?.includes('text/html') ?? false;
  return response.ok && !page ? response.blob() : null;
}

async function fetchBundled(url: string): Promise<Record<string, Blob>> {
  const base = url.endsWith('/') ? url : `${url}/`;
  const files: Record<string, Blob> = {};
  for (const name of ['config.json', 'generation_config.json', SINGLE, INDEX]) {
    if (name === INDEX && files[SINGLE]) continue;
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

/** @throws model.missing, model.json */
export async function readModelFiles(model: ModelSource): Promise<ModelFiles> {
  const files = model.kind === 'bundled' ? await fetchBundled(model.url) : model.files;
  // A bundled model's other files are fetched by who reads them.
  checkModelFolder(Object.keys(files), model.kind === 'bundled' ? ['config.json'] : undefined);
  // checkModelFolder has found it.
  const config = parseModelJson(await files['config.json']!.text(), 'config.json');
  const generationFile = files['generation_config.json'];
  const generation = generationFile && parseModelJson(await generationFile.text(), 'generation_config.json');
  const given = config._name_or_path;
  const own = typeof given === 'string' && given ? given : model.kind === 'bundled' ? 'demo/model' : model.name;
  // PEFT loads a model of the hub by the hub's name; what its config was called elsewhere means nothing there.
  const name = (model.kind === 'files' ? model.hubId : undefined) ?? own;
  return { files, config, generation, name };
}
