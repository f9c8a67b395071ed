// What may come back from a user's reward: scores, or a failure that names its place. Runs nothing of the script.

import type { ErrorRecord } from '../base/errors';

/** What is wrong with a user's reward, and where as far as it is known. */
export interface ScriptFailure extends ErrorRecord {
  /** The completion at fault, 0-based. */
  index?: number;
  /** Line of the script, 1-based. */
  line?: number;
}

export type ScriptOutcome = { scores: (number | null)[] } | { failure: ScriptFailure };

/** Longest part of a text of the user's that a message repeats. */
const QUOTED = 200;

/** A text of the user's, short enough for a message. */
export function cut(text: string): string {
  return text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
}

/** Names a value without running any code of its own. */
export function nameOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(cut(value));
    case 'number':
    case 'boolean':
    case 'undefined':
    case 'bigint':
      return cut(String(value));
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

/** Names a completion; people count from 1. */
export function placeOf(index: number, count: number): string {
  return `completion ${index + 1} of ${count}`;
}

/**
 * The scores that a script returned, checked.
 * @param returned anything @param count completions
 * @returns numbers, NaN as null; or reward.count, reward.value
 */
export function readScores(name: string, returned: unknown, count: number): ScriptOutcome {
  const list: unknown = ArrayBuffer.isView(returned) ? Array.from(returned as unknown as ArrayLike<number>) : returned;
  if (!Array.isArray(list)) {
    const message = `Reward "${name}": score returned ${nameOf(returned)}; expected an array of ${count} numbers.`;
    return { failure: { code: 'reward.value', message, hint: 'Return one number or null per completion.' } };
  }
  if (list.length !== count) {
    const message = `Reward "${name}" returned ${list.length} scores for ${count} completions.`;
    return { failure: { code: 'reward.count', message, hint: 'Return one number or null per completion.' } };
  }
  const scores: (number | null)[] = [];
  for (let index = 0; index < count; index++) {
    const value: unknown = list[index];
    const failure = valueFailure(name, value, index, count);
    if (failure) return { failure };
    scores.push(Number.isNaN(value) ? null : (value as number | null));
  }
  return { scores };
}

function valueFailure(name: string, value: unknown, index: number, count: number): ScriptFailure | null {
  const isScore = value === null || (typeof value === 'number' && Math.abs(value) !== Infinity);
  if (isScore) return null;
  return {
    code: 'reward.value',
    message: `Reward "${name}" returned ${nameOf(value)} for ${placeOf(index, count)}; expected a finite number or null.`,
    hint: 'null says that the reward does not apply to a completion.',
    index,
  };
}
