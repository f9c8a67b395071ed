// Python's string rules where they differ from JavaScript's: splitting and rounding.
// The recipe's rewards are defined by Python code, so every space and every half counts.

import { PYTHON_SPACE, pythonStrip } from '../text/pythonStrip';

const SPACES = new RegExp(`[${PYTHON_SPACE}]+`);

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
