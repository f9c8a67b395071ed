// JSON text that gives back exactly the value that went in, or says by name why it cannot. JSON.stringify turns NaN
// into null and -0 into 0 without a word. Must not know what the values mean.

import { check, LorikeetError } from '../base/errors';

/** Deeper nesting is no state of ours; the cap keeps recursion bounded. */
const MAX_DEPTH = 64;

/** What to do with NaN and the infinities: refuse them, or write `{"~":"NaN"}` and the like. */
export type NonFinite = 'refuse' | 'tag';

const TAG = '~';
const TAGGED: Record<string, number> = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity };

function fail(path: string, found: string): never {
  throw new LorikeetError(
    'json.value',
    `${path} is ${found}; expected null, a boolean, a finite number, a string, a list or a plain object`,
    'This is a fault of the program: please report it.',
  );
}

function numberText(value: number, path: string, nonFinite: NonFinite): string {
  if (Object.is(value, -0)) return '-0';
  if (Number.isFinite(value)) return JSON.stringify(value);
  if (nonFinite === 'refuse') fail(path, String(value));
  return `{"${TAG}":"${value}"}`;
}

function objectText(value: object, path: string, nonFinite: NonFinite, depth: number): string {
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype !== Object.prototype && prototype !== null) fail(path, `a ${value.constructor.name}`);
  const keys = Object.keys(value);
  if (keys.includes('__proto__')) fail(`${path}.__proto__`, 'a reserved name');
  if (nonFinite === 'tag' && keys.length === 1 && keys[0] === TAG) fail(`${path}.${TAG}`, 'a reserved name');
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  const texts = entries.map(
    ([key, entry]) => `${JSON.stringify(key)}:${valueText(entry, `${path}.${key}`, nonFinite, depth + 1)}`,
  );
  return `{${texts.join(',')}}`;
}

function valueText(value: unknown, path: string, nonFinite: NonFinite, depth: number): string {
  if (depth > MAX_DEPTH) fail(path, `nested deeper than ${MAX_DEPTH} levels`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return numberText(value, path, nonFinite);
  if (Array.isArray(value)) {
    // Array.from, because map would skip the holes of a sparse list.
    const texts = Array.from(value as unknown[], (item, i) => valueText(item, `${path}[${i}]`, nonFinite, depth + 1));
    return `[${texts.join(',')}]`;
  }
  if (typeof value === 'object') return objectText(value, path, nonFinite, depth);
  return fail(path, value === undefined ? 'undefined' : `a ${typeof value}`);
}

/**
 * One line of JSON; keys keep their order, fields that are undefined are left out, every number keeps its bits.
 * @param path what `value` is called in errors
 * @throws json.value naming the place: NaN and infinities (unless tagged), typed arrays, class instances, functions,
 *   undefined in a list, `__proto__`, more than 64 levels
 */
export function writeExactJson(value: unknown, path: string, nonFinite: NonFinite = 'refuse'): string {
  return valueText(value, path, nonFinite, 0);
}

function untagged(value: unknown, nonFinite: NonFinite, depth: number): unknown {
  check(depth <= MAX_DEPTH, 'json.nesting', `it is nested deeper than ${MAX_DEPTH} levels`);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  check(!keys.includes('__proto__'), 'json.key', 'it holds the key "__proto__"');
  const record = value as Record<string, unknown>;
  if (nonFinite === 'tag' && keys.length === 1 && keys[0] === TAG) {
    const word = String(record[TAG]);
    check(Object.hasOwn(TAGGED, word), 'json.tag', `it holds the unknown number ${JSON.stringify(word)}`);
    return TAGGED[word];
  }
  for (const key of keys) record[key] = untagged(record[key], nonFinite, depth + 1);
  return value;
}

/**
 * Reads what writeExactJson wrote.
 * @throws json.syntax, json.nesting, json.key (`__proto__`), json.tag; messages start with "it"
 */
export function readExactJson(text: string, nonFinite: NonFinite = 'refuse'): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LorikeetError('json.syntax', `it is not JSON: ${reason}`);
  }
  return untagged(value, nonFinite, 0);
}
