// Fetches a run's files from the page and writes them to the output folder.

import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Artifact names of the page and where they go. */
const PLACES = {
  'adapter_config.json': 'adapter/adapter_config.json',
  'adapter_model.safetensors': 'adapter/adapter_model.safetensors',
  'metrics.csv': 'metrics.csv',
  'completions.jsonl': 'completions.jsonl',
  'charts.png': 'charts.png',
  'summary.json': 'summary.json',
  'case.json': 'check/case.json',
  'case.safetensors': 'check/case.safetensors',
};

/** Long enough for the largest adapter; a page whose worker died may never answer. */
const ANSWER_MS = 120_000;

async function fetchArtifact(session, name) {
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  });
  const answer = Promise.all([
    session.next(['artifact'], (message) => message.name === name),
    session.call('artifact', name),
  ]);
  try {
    const [message] = await Promise.race([answer, tooLate]);
    return Buffer.from(message.base64, 'base64');
  } finally {
    clearTimeout(timer);
  }
}

/** The place of the check's tensors is named by its case.json. */
function placeOf(name, fetched) {
  const record = fetched.get('case.json');
  if (name !== 'case.safetensors' || record === undefined) return PLACES[name];
  return `check/${basename(JSON.parse(record.toString('utf8')).tensors ?? 'case.safetensors')}`;
}

/**
 * Saves every file that the page can give.
 * @param {object} session of openSession @param {string} folder absolute path
 * @returns {Promise<{written: string[], missing: string[]}>} paths inside the folder; missing with the reason
 */
export async function saveOutputs(session, folder) {
  const fetched = new Map();
  const written = [];
  const missing = [];
  for (const name of Object.keys(PLACES)) {
    try {
      const bytes = await fetchArtifact(session, name);
      fetched.set(name, bytes);
      const place = placeOf(name, fetched);
      await mkdir(dirname(join(folder, place)), { recursive: true });
      await writeFile(join(folder, place), bytes);
      written.push(place);
    } catch (error) {
      missing.push(`${PLACES[name]}: ${error.message}`);
    }
  }
  return { written, missing };
}
