// What every reader of JSON needs to ask: is it an object, and was a key given twice.

export type JsonObject = Record<string, unknown>;

/** Whether a JSON value is an object: no list, not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const COLON = /\s*:/y;

function matchAt(pattern: RegExp, text: string, index: number): string | null {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? null;
}

/**
 * The first key that occurs twice in one object of `text`, at any depth; null when there is none.
 * JSON.parse silently merges such keys. @param text valid JSON
 */
export function findDuplicateKey(text: string): string | null {
  // One entry per open bracket: the keys seen so far, or null inside a list.
  const open: (Set<string> | null)[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(null);
    else if (character === '}' || character === ']') open.pop();
    if (character !== '"') continue;
    const raw = matchAt(STRING, text, i) ?? '""';
    i += raw.length - 1;
    const keys = open.at(-1);
    if (!keys || matchAt(COLON, text, i + 1) === null) continue;
    const key = JSON.parse(raw) as string;
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return null;
}
