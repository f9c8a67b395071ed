// Which files a model's folder has to hold, beside its weights. Must not read them.

import { check, type ErrorRecord } from '../base/errors';

/** The files that turn rows into tokens. */
export const TEXT_FILES = ['tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json'];
const REQUIRED = ['config.json', ...TEXT_FILES];
/** What transformers 5 saves where preprocessor_config.json was. */
const PROCESSOR = 'processor_config.json';

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
export function checkModelFolder(names: readonly string[], required: readonly string[] = REQUIRED): void {
  const missing = required.filter((name) => !names.includes(name));
  const onlyProcessor = missing.join() === 'preprocessor_config.json' && names.includes(PROCESSOR);
  check(
    missing.length === 0,
    'model.missing',
    `The model's folder has no ${missing.join(', no ')}; it has ${[...names].sort().join(', ') || 'no files'}.`,
    onlyProcessor
      ? `transformers 5 saved ${PROCESSOR} in its place, which is not read here: add the preprocessor_config.json that was published with the model.`
      : 'Pick the folder of a complete checkpoint: config.json, the tokenizer files, preprocessor_config.json and the .safetensors files.',
  );
}
