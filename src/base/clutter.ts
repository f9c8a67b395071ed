// What operating systems and version control leave in folders. Must not touch files.

const SYSTEM = /^(thumbs\.db|desktop\.ini)$/i;

/** Whether a file or folder of this name is no content: `._x`, `.DS_Store`, `.git`, `__MACOSX`, `Thumbs.db`. */
export function isClutterName(name: string): boolean {
  return /^\.[^.]/.test(name) || name === '__MACOSX' || SYSTEM.test(name);
}
