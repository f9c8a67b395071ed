// What the hub says of a model before its weights are fetched: commit, licence, files with sizes and hashes; and
// whether it is one that can be trained here. Fetches config.json and the list of shards, nothing large.

import type { HubAddress, HubFile, HubLicence, HubModel } from '../base/hubModel';
import { check, LorikeetError } from '../base/errors';
import { isJsonObject, type JsonObject } from '../base/json';
import { checkModelFolder } from '../formats/modelFolder';
import { quantizationMethod } from '../formats/quantization';
import { fileUrl, revisionUrl, treeUrl } from './modelAddress';
import { askJson, type Net } from './net';

const CONFIG = 'config.json';
const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** What a run reads of a model beside its weights, where the repository has it. */
const SMALL = [
  ...[CONFIG, 'generation_config.json', 'preprocessor_config.json', 'processor_config.json'],
  ...['tokenizer.json', 'tokenizer_config.json', 'chat_template.json', 'chat_template.jinja'],
];
const MAX_PAGES = 100;

function answerError(what: string, problem: string): LorikeetError {
  return new LorikeetError('hub.answer', `${what}: ${problem}.`, 'The hub may have changed; choose a folder instead.');
}

function licenceOf(card: unknown): HubLicence | null {
  if (!isJsonObject(card)) return null;
  const { license, license_name, license_link } = card;
  const first = [license_name, license].find((value) => typeof value === 'string' && value !== '');
  if (typeof first !== 'string') return null;
  const link = typeof license_link === 'string' && /^https:\/\//.test(license_link) ? license_link : null;
  return { name: first.slice(0, 200), link };
}

interface Entry {
  path: string;
  file: HubFile;
}

const SHA256 = /^[0-9a-f]{64}$/;
const SHA1 = /^[0-9a-f]{40}$/;

/** One entry of the tree; null for folders and for files in them. @throws hub.answer */
function readEntry(value: unknown, what: string): Entry | null {
  if (!isJsonObject(value) || typeof value.path !== 'string') throw answerError(what, 'an entry has no path');
  const { path, type, size, oid, lfs } = value;
  if (type !== 'file' || path.includes('/')) return null;
  check(Number.isSafeInteger(size) && (size as number) >= 0, 'hub.answer', `${what}: ${path} has no size.`);
  const bytes = size as number;
  if (isJsonObject(lfs)) {
    if (typeof lfs.oid !== 'string' || !SHA256.test(lfs.oid)) throw answerError(what, `${path} has no SHA-256`);
    return { path, file: { name: path, bytes, algorithm: 'sha256', hash: lfs.oid } };
  }
  if (typeof oid !== 'string' || !SHA1.test(oid)) throw answerError(what, `${path} has no hash`);
  return { path, file: { name: path, bytes, algorithm: 'gitSha1', hash: oid } };
}

/** The next page of a list, of the same hub only; null after the last. */
function nextPage(link: string | null, url: string): string | null {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  if (!target) return null;
  const next = new URL(target, url);
  // A mirror may name the hub's own origin; the path is what counts.
  return new URL(next.pathname + next.search, url).href;
}

async function listFiles(net: Net, id: string, commit: string, signal: AbortSignal): Promise<Map<string, HubFile>> {
  const what = `${id}, list of files`;
  const files = new Map<string, HubFile>();
  let url: string | null = treeUrl(net.settings.endpoint, id, commit);
  for (let page = 0; url !== null; page++) {
    check(page < MAX_PAGES, 'hub.answer', `${what}: it does not end after ${MAX_PAGES} pages.`);
    const { json, headers }: { json: unknown; headers: Headers } = await askJson(net, url, what, signal);
    if (!Array.isArray(json)) throw answerError(what, 'expected a list');
    for (const value of json) {
      const entry = readEntry(value, what);
      if (entry) files.set(entry.path, entry.file);
    }
    url = nextPage(headers.get('link'), url);
  }
  return files;
}

/** Refuses a checkpoint whose weights are not plain numbers. @throws hub.quantized */
function checkNotQuantized(id: string, config: JsonObject): void {
  const method = quantizationMethod(config, isJsonObject(config.text_config) ? config.text_config : null);
  check(
    method === null,
    'hub.quantized',
    `${id} holds weights that are quantized already (${method}), which cannot be trained here.`,
    'Take the model that it was made from, in bfloat16; Lorikeet quantizes it by itself where the recipe says so.',
  );
}

/** The weight files of a repository. @throws hub.weights */
async function weightFiles(
  net: Net,
  { id, commit }: { id: string; commit: string },
  files: Map<string, HubFile>,
  signal: AbortSignal,
): Promise<string[]> {
  if (files.has(INDEX)) {
    const url = fileUrl(net.settings.endpoint, id, commit, INDEX);
    const { json } = await askJson(net, url, `${id}, ${INDEX}`, signal);
    const map = isJsonObject(json) && isJsonObject(json.weight_map) ? Object.values(json.weight_map) : [];
    const shards = [...new Set(map)].filter((name): name is string => typeof name === 'string').sort();
    const absent = shards.filter((name) => !files.has(name));
    check(shards.length > 0, 'hub.weights', `${id}: ${INDEX} names no files.`);
    check(
      absent.length === 0,
      'hub.weights',
      `${id}: ${INDEX} names ${absent[0]}, which the repository does not have.`,
    );
    return [INDEX, ...shards];
  }
  if (files.has(SINGLE)) return [SINGLE];
  const other = [...files.keys()].filter((name) => /\.(bin|pt|pth|gguf|ckpt)$/.test(name));
  throw new LorikeetError(
    'hub.weights',
    `${id} has no ${SINGLE} and no ${INDEX}${other.length > 0 ? `; it has ${other.slice(0, 3).join(', ')}` : ''}.`,
    'Only safetensors are read: the other forms can run code, or hold quantized weights.',
  );
}

/**
 * Looks a model up: what it is, and what would be fetched.
 * @param checkConfig refuses a config.json that cannot be trained
 * @throws hub.*, what checkConfig throws, model.missing, the signal's reason
 */
export async function lookUpModel(
  net: Net,
  { id, revision }: HubAddress,
  checkConfig: (config: JsonObject) => void,
  signal: AbortSignal,
): Promise<HubModel> {
  const { endpoint } = net.settings;
  const about = `${id}@${revision}`;
  const { json } = await askJson(net, revisionUrl(endpoint, { id, revision }), about, signal);
  if (!isJsonObject(json) || typeof json.sha !== 'string' || !SHA1.test(json.sha)) {
    throw answerError(about, 'the answer names no commit');
  }
  const commit = json.sha;
  const files = await listFiles(net, id, commit, signal);
  check(files.has(CONFIG), 'hub.weights', `${id} has no ${CONFIG}: it is not a model in the form of transformers.`);
  const config = await askJson(net, fileUrl(endpoint, id, commit, CONFIG), `${id}, ${CONFIG}`, signal);
  if (!isJsonObject(config.json)) throw answerError(`${id}, ${CONFIG}`, 'expected an object');
  checkNotQuantized(id, config.json);
  checkConfig(config.json);
  const names = [
    ...SMALL.filter((name) => files.has(name)),
    ...(await weightFiles(net, { id, commit }, files, signal)),
  ];
  checkModelFolder(names);
  const wanted = names.map((name) => files.get(name)!);
  const bytes = wanted.reduce((sum, file) => sum + file.bytes, 0);
  return { id, revision, endpoint, commit, licence: licenceOf(json.cardData), files: wanted, bytes };
}
