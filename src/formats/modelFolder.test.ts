// @vitest-environment node
import { expect, test } from 'vitest';
import { checkModelFolder, TEXT_FILES } from './modelFolder';

const WHOLE = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'preprocessor_config.json',
  'model.safetensors',
];
const lacking = (name: string, ...others: string[]): string[] => [...WHOLE.filter((own) => own !== name), ...others];

test('a folder with every file that is read passes', () => {
  expect(() => checkModelFolder(WHOLE)).not.toThrow();
  expect(() => checkModelFolder(TEXT_FILES.flat(), TEXT_FILES)).not.toThrow();
});

test('each file that is missing is named, with what is there', () => {
  expect(() => checkModelFolder(lacking('tokenizer.json'))).toThrow(
    expect.objectContaining({
      code: 'model.missing',
      message: expect.stringMatching(/has no tokenizer\.json; it has config\.json, model/) as string,
    }),
  );
  expect(() => checkModelFolder([])).toThrow(/no config\.json, no tokenizer\.json, .*it has no files/);
});

test('one of the two files that hold the image processor is enough', () => {
  expect(() => checkModelFolder(lacking('preprocessor_config.json', 'processor_config.json'))).not.toThrow();
  expect(() => checkModelFolder(lacking('preprocessor_config.json'))).toThrow(
    expect.objectContaining({
      code: 'model.missing',
      message: expect.stringMatching(/has no preprocessor_config\.json or processor_config\.json; it has /) as string,
    }),
  );
});
