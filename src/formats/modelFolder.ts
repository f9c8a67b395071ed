// Which files a model's folder has to hold, beside its weights. Must not read them.

import { check, type ErrorRecord } from '../base/errors';

/** Where the image processor's numbers are: what transformers 5 saves, else what is on the hub. One of both is enough. */
export const PROCESSOR = 'processor_config.json';
export const PREPROCESSOR = 'preprocessor_config.json';

/** A file that has to be there, or several of which one has to. */
type Needed = string | readonly string[];

/** The files that turn rows into tokens. */
export const TEXT_FILES: readonly Needed[] = ['tokenizer.json', 'tokenizer_config.json', [PREPROCESSOR, PROCESSOR]];
const REQUIRED: readonly Needed[] = ['config.json', ...TEXT_FILES];

/** What is wrong with a folder that brought nothing. */
export const NO_FILES: ErrorRecord = {
  code: 'model.missing',
  message: 'The folder brought no files: it is empty, or it holds only links, which browsers do not follow.',
  hint: 'Pick a folder with the files themselves. A snapshot of the Hugging Face cache holds links: copy it with cp -rL.',
};

/** What is wrong with a folder that has no file of its own. */
export const ONLY_FOLDERS: ErrorRecord = {
  code: 'model.missing',
  message: 'The folder holds only other folders.',
  hint: 'Pick the one that config.json lies in.',
};

/**
 * Refuses a folder that lacks a file which every run reads.
 * @param names the folder's own files @param required TEXT_FILES where nothing else is read
 * @throws model.missing naming the files that lack and those that are there
 */
export function checkModelFolder(names: readonly string[], required = REQUIRED): void {
  const lacks = (name: string): boolean => !names.includes(name);
  const missing = required.map((needed) => [needed].flat()).filter((choice) => choice.every(lacks));
  check(
    missing.length === 0,
    'model.missing',
    `The model's folder has no ${missing.map((choice) => choice.join(' or ')).join(', no ')}; ` +
      `it has ${[...names].sort().join(', ') || 'no files'}.`,
    'Pick the folder of a complete checkpoint: config.json, the tokenizer files, preprocessor_config.json or ' +
      'processor_config.json, and the .safetensors files.',
  );
}
