// Python's idea of white space, where JavaScript's differs.

/** What Python's `str.isspace` and `\\s` accept, as the inside of a character class. Not U+FEFF; U+001C-1F and U+0085. */
export const PYTHON_SPACE = '\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const LEADING = new RegExp(`^[${PYTHON_SPACE}]+`);
const IS_SPACE = new RegExp(`[${PYTHON_SPACE}]`);

/** Python's `str.strip()`. */
export function pythonStrip(text: string): string {
  // A loop instead of /\s+$/, which is quadratic on long runs of spaces inside the text.
  let end = text.length;
  while (end > 0 && IS_SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(0, end).replace(LEADING, '');
}
