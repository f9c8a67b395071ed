// Parses one JSON value and explains what is wrong with it, in words that fit hand-made and machine-made files.

import { LorikeetError } from '../base/errors';
import { findDuplicateKey } from '../base/json';

/** Deeper nesting is no dataset; the cap keeps recursion and time bounded. */
const MAX_DEPTH = 64;

export interface JsonScan {
  maxDepth: number;
  /** Brackets still open at the end. */
  endDepth: number;
  /** The end lies inside a string. */
  openString: boolean;
  trailingComma: boolean;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  return -1;
}

/** Looks at the structure of JSON text without building it; the text may be broken. */
export function scanJson(text: string): JsonScan {
  const scan: JsonScan = { maxDepth: 0, endDepth: 0, openString: false, trailingComma: false };
  let afterComma = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === ' ' || c === '\t' || c === '\n' || c === '\r') continue;
    if (c === '"') {
      const end = endOfString(text, i);
      if (end < 0) return { ...scan, openString: true };
      i = end;
    } else if (c === '{' || c === '[') {
      scan.maxDepth = Math.max(scan.maxDepth, ++scan.endDepth);
    } else if (c === '}' || c === ']') {
      scan.endDepth--;
      if (afterComma) scan.trailingComma = true;
    }
    afterComma = c === ',';
  }
  return scan;
}

function reason(text: string, scan: JsonScan, error: unknown): string {
  const engine = error instanceof Error ? error.message : String(error);
  if (scan.trailingComma) return 'a comma stands before a closing bracket';
  if (/\b(NaN|-?Infinity)\b/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '""'))) {
    return 'NaN and Infinity are not JSON numbers';
  }
  if (scan.openString) return 'a string is not closed';
  if (scan.endDepth > 0) return 'a bracket is not closed';
  if (/^\s*\{\s*'/.test(text)) return 'names and texts need double quotes, not single ones';
  return engine;
}

/**
 * One JSON value.
 * @returns the value, and a key that was given twice in one object (its last value counts)
 * @throws jsonl.nesting above 64 levels; jsonl.syntax with the reason
 */
export function parseJson(text: string): { value: unknown; duplicateKey: string | null } {
  const scan = scanJson(text);
  if (scan.maxDepth > MAX_DEPTH) {
    throw new LorikeetError(
      'jsonl.nesting',
      `brackets are nested ${scan.maxDepth} deep; at most ${MAX_DEPTH} are read`,
    );
  }
  try {
    return { value: JSON.parse(text) as unknown, duplicateKey: findDuplicateKey(text) };
  } catch (error) {
    throw new LorikeetError('jsonl.syntax', `not valid JSON: ${reason(text, scan, error)}`);
  }
}
