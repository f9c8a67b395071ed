// Paths and commands as a person would type them.

import { isAbsolute, relative } from 'node:path';

/** A folder as seen from where npm was called, if it is below; else its absolute path. */
export function shownPath(path) {
  const short = relative(process.env.INIT_CWD ?? process.cwd(), path) || '.';
  return short.startsWith('..') || isAbsolute(short) ? path : short;
}

function quoted(word) {
  if (/^[\w./:@%+=,-]+$/.test(word)) return word;
  if (process.platform === 'win32') return `"${word}"`;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command that goes on with the run of an output folder. */
export function resumeCommand(out) {
  return `npm run train -- --resume ${quoted(shownPath(out))}`;
}
