// Python's string rules where they differ from JavaScript's: white space and rounding.
// The recipe's rewards are defined by Python code, so every space and every half counts.

/** What Python's `str.isspace` and `\s` accept, as the inside of a character class. Not U+FEFF; U+001C-1F and U+0085. */
export const PYTHON_SPACE = '\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const LEADING = new RegExp(`^[${PYTHON_SPACE}]+`);
const SPACES = new RegExp(`[${PYTHON_SPACE}]+`);
const IS_SPACE = new RegExp(`[${PYTHON_SPACE}]`);

/** Python's `str.strip()`. */
export function pythonStrip(text: string): string {
  // A loop instead of /\s+$/, which is quadratic on long runs of spaces inside the text.
  let end = text.length;
  while (end > 0 && IS_SPACE.test(text[end - 1]!)) end--;
  return text.slice(0, end).replace(LEADING, '');
}

/** Python's `str.split()` without arguments: never an empty word. */
export function pythonSplit(text: string): string[] {
  const stripped = pythonStrip(text);
  return stripped === '' ? [] : stripped.split(SPACES);
}

/**
 * Python's `round(value, digits)`: nearest decimal of the exact binary value, an exact half to the even digit.
 * @param digits 0 to 20
 */
export function pythonRound(value: number, digits: number): number {
  if (!Number.isFinite(value)) return value;
  const nearest = Number(value.toFixed(digits));
  // toFixed rounds an exact half away from zero; 60 digits tell an exact half from any neighbouring double.
  const rest = value.toFixed(60).split('.')[1]!.slice(digits);
  if (!/^50*$/.test(rest)) return nearest;
  const units = Math.round(Math.abs(nearest) * 10 ** digits);
  if (units % 2 === 0) return nearest;
  return (Math.sign(value) * (units - 1)) / 10 ** digits;
}
