// Python's idea of white space, where JavaScript's differs.

// str.isspace: U+001C to U+001F and U+0085 count, U+FEFF does not.
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const ENDS = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g');

/** `text.strip()` of Python. */
export function pythonStrip(text: string): string {
  return text.replace(ENDS, '');
}
