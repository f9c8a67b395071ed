// What a rule for one option is, and the kinds of rules. Knows no option by name.

/** One option's rule: whether a value is allowed, and what would be. */
export interface Rule {
  /** The allowed values in words, for messages. */
  allowed: string;
  /** All allowed values, where they are few. */
  values?: readonly unknown[];
  accepts(value: unknown): boolean;
}

interface Range {
  min?: number;
  /** Exclusive bounds. */
  above?: number;
  below?: number;
  max?: number;
}

function rangeText({ min, above, below, max }: Range): string {
  const parts: string[] = [];
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (above !== undefined) parts.push(`above ${above}`);
  if (min !== undefined) parts.push(`at least ${min}`);
  if (below !== undefined) parts.push(`below ${below}`);
  if (max !== undefined) parts.push(`at most ${max}`);
  return parts.length > 0 ? ` ${parts.join(' and ')}` : '';
}

/** Whether `value` is a finite number within the range. */
export function isNumberIn(value: unknown, { min, above, below, max }: Range): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  return (
    value >= (min ?? -Infinity) &&
    value > (above ?? -Infinity) &&
    value < (below ?? Infinity) &&
    value <= (max ?? Infinity)
  );
}

/** Finite numbers of a range. */
export function number(range: Range = {}): Rule {
  return { allowed: `a number${rangeText(range)}`, accepts: (value) => isNumberIn(value, range) };
}

/** Whole numbers of a range. */
export function integer(range: Range = {}): Rule {
  return {
    allowed: `a whole number${rangeText(range)}`,
    accepts: (value) => isNumberIn(value, range) && Number.isInteger(value),
  };
}

/** One of the given values; lists and objects are compared by their JSON. */
export function choice(...values: readonly unknown[]): Rule {
  const texts = values.map((value) => JSON.stringify(value));
  return { allowed: texts.join(' or '), values, accepts: (value) => texts.includes(JSON.stringify(value)) };
}

/** What `rule` allows, or null. */
export function orNull(rule: Rule, meaning: string): Rule {
  return {
    allowed: `${rule.allowed}, or null (${meaning})`,
    ...(rule.values && { values: [null, ...rule.values] }),
    accepts: (value) => value === null || rule.accepts(value),
  };
}

/** A text in which the placeholders stand. */
export function text(...placeholders: string[]): Rule {
  const list = placeholders.map((name) => `{${name}}`);
  return {
    allowed: `a text${list.length > 0 ? ` that contains ${list.join(' and ')}` : ''}`,
    accepts: (value) => typeof value === 'string' && list.every((name) => value.includes(name)),
  };
}

/** A list with at least one entry, each allowed by `isEntry`. */
export function list(allowed: string, isEntry: (value: unknown) => boolean): Rule {
  return { allowed, accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isEntry) };
}

/** On or off. */
export const flag = choice(true, false);
