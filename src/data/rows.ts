// The schema of one row: MMHERC's {image, question, thought, answer}. Knows nothing of files and lines.

import { isJsonObject } from '../base/json';

const FIELDS = ['image', 'question', 'thought', 'answer'] as const;
type Field = (typeof FIELDS)[number];

export type RowFields = Record<Field, string>;

export interface RowFault {
  code: string;
  message: string;
}

export type RowResult = { row: RowFields; warnings: RowFault[] } | { faults: RowFault[] };

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

function missingFields(value: object, missing: readonly Field[]): RowFault {
  const found = Object.keys(value);
  const foreign = found.find((key) => key === 'messages' || key === 'conversations');
  const has = found.length > 0 ? `; the row has ${list(found.slice(0, 12))}` : '; the row is empty';
  const hint = foreign ? `. Rows with "${foreign}" are not read: write question, thought and answer as fields` : '';
  return { code: 'row.missing', message: `missing ${list(missing)}${has}${hint}` };
}

function fieldFault(field: Field, value: unknown): RowFault | null {
  if (typeof value !== 'string') {
    const hint = typeof value === 'number' ? '; put it in quotes' : '';
    return { code: 'row.type', message: `"${field}" must be a text, found ${kindOf(value)}${hint}` };
  }
  if (value.trim() === '') return { code: 'row.empty', message: `"${field}" is empty` };
  if (/\p{Cs}/u.test(value)) {
    return { code: 'row.surrogate', message: `"${field}" holds half a character (a lone surrogate such as \\ud83d)` };
  }
  return null;
}

function warningsOf(row: RowFields): RowFault[] {
  const warnings: RowFault[] = [];
  for (const field of FIELDS) {
    if (row[field].includes('\0')) warnings.push({ code: 'row.control', message: `"${field}" holds a NUL character` });
  }
  const mark = /<image>|<\|image_pad\|>|<\|vision_start\|>/.exec(row.question)?.[0];
  if (mark) {
    const message = `"question" holds ${mark}: it is read as plain text; the picture is placed before the question`;
    warnings.push({ code: 'row.placeholder', message });
  }
  return warnings;
}

/**
 * Checks a parsed row. Other fields are ignored; texts are kept as they are, spaces too.
 * @returns the four fields with warnings, or every fault of the row
 */
export function readRow(value: unknown): RowResult {
  if (!isJsonObject(value)) {
    return { faults: [{ code: 'row.notObject', message: `expected an object {…}, found ${kindOf(value)}` }] };
  }
  const missing = FIELDS.filter((field) => !Object.hasOwn(value, field));
  const faults: RowFault[] = missing.length > 0 ? [missingFields(value, missing)] : [];
  for (const field of FIELDS) {
    const fault = missing.includes(field) ? null : fieldFault(field, value[field]);
    if (fault) faults.push(fault);
  }
  if (faults.length > 0) return { faults };
  const { image, question, thought, answer } = value as RowFields;
  const row = { image, question, thought, answer };
  return { row, warnings: warningsOf(row) };
}
