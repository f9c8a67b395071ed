// Typed look-up of config.json values with named errors. Must not know which keys a model has.

import { check } from '../base/errors';
import { isJsonObject, type JsonObject } from '../base/json';

/** `value` as a JSON object; null when it is something else. */
export function asObject(value: unknown): JsonObject | null {
  return isJsonObject(value) ? value : null;
}

/** Looks keys up in the first of several objects that has a value other than null. */
export interface ConfigReader {
  /** @returns the value, or undefined when no object has one */
  find(...keys: string[]): unknown;
  /** A number with `rule`; @throws config.value when absent without a fallback, or against the rule */
  number(keys: string | string[], rule: NumberRule, fallback?: number): number;
}

export type NumberRule = 'count' | 'index' | 'positive' | 'width';

const RULES: Record<NumberRule, { test: (value: number) => boolean; text: string }> = {
  count: { test: (value) => Number.isSafeInteger(value) && value > 0, text: 'a whole number above 0' },
  index: { test: (value) => Number.isSafeInteger(value) && value >= 0, text: 'a whole number from 0 up' },
  positive: { test: (value) => Number.isFinite(value) && value > 0, text: 'a number above 0' },
  // The kernels read rows four values at a time.
  width: { test: (value) => Number.isSafeInteger(value) && value > 0 && value % 4 === 0, text: 'a multiple of 4' },
};

/**
 * @param where e.g. `config.json: vision_config`, the start of error messages
 * @param records objects in order of precedence; null entries are skipped
 */
export function configReader(where: string, ...records: (JsonObject | null)[]): ConfigReader {
  const find = (...keys: string[]): unknown => {
    for (const record of records) {
      for (const key of keys) {
        if (record && Object.hasOwn(record, key) && record[key] !== null) return record[key];
      }
    }
    return undefined;
  };
  return {
    find,
    number: (keys, rule, fallback) => {
      const names = typeof keys === 'string' ? [keys] : keys;
      const value = find(...names) ?? fallback;
      const { test, text } = RULES[rule];
      check(
        typeof value === 'number' && test(value),
        'config.value',
        `${where}: ${names.join(' or ')} must be ${text}, found ${JSON.stringify(value) ?? 'nothing'}`,
        'Use the unchanged config.json of a Qwen2.5-VL checkpoint.',
      );
      return value;
    },
  };
}

/** Token ids given as one number, a list, or not at all. @throws config.value for anything else */
export function tokenIds(value: unknown, where: string): number[] {
  if (value === undefined || value === null) return [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  const valid = ids.every((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0);
  check(valid, 'config.value', `${where} must be a token id or a list of them, found ${JSON.stringify(value)}`);
  return ids;
}
