// @vitest-environment node
import { expect, test } from 'vitest';
import { checkModelFolder, TEXT_FILES } from './modelFolder';

const WHOLE = ['config.json', ...TEXT_FILES, 'chat_template.json', 'model.safetensors'];
const lacking = (name: string, ...others: string[]): string[] => [...WHOLE.filter((own) => own !== name), ...others];

test('a folder with every file that is read passes', () => {
  expect(() => checkModelFolder(WHOLE)).not.toThrow();
  expect(() => checkModelFolder(TEXT_FILES, TEXT_FILES)).not.toThrow();
});

test('each file that is missing is named, with what is there', () => {
  expect(() => checkModelFolder(lacking('tokenizer.json'))).toThrow(
    expect.objectContaining({
      code: 'model.missing',
      message: expect.stringMatching(/has no tokenizer\.json; it has chat_template\.json, config\.json/) as string,
    }),
  );
  expect(() => checkModelFolder([])).toThrow(/no config\.json, no tokenizer\.json, .*it has no files/);
});

test('what transformers 5 saved instead of preprocessor_config.json is named in the hint', () => {
  expect(() => checkModelFolder(lacking('preprocessor_config.json', 'processor_config.json'))).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/has no preprocessor_config\.json; /) as string,
      hint: expect.stringMatching(/transformers 5 saved processor_config\.json/) as string,
    }),
  );
});
