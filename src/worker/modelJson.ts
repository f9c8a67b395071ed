// The JSON files of a model's folder. Each is an object; what is in it is for who reads it.

import { check, LorikeetError } from '../base/errors';
import { isJsonObject, type JsonObject } from '../base/json';

/** Parses the text of the file `name`. @throws model.json when it is no JSON, or JSON but no object */
export function parseModelJson(text: string, name: string): JsonObject {
  check(
    !text.startsWith('version https://git-lfs'),
    'model.json',
    `${name}: this is a git-LFS pointer, not the file itself`,
    'Fetch the files with `git lfs pull`, or download them whole.',
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LorikeetError('model.json', `${name}: not valid JSON: ${error instanceof Error ? error.message : ''}`);
  }
  check(
    isJsonObject(value),
    'model.json',
    `${name}: expected a JSON object, found ${JSON.stringify(value).slice(0, 60)}`,
    'Use the file that was published with the model.',
  );
  return value;
}
