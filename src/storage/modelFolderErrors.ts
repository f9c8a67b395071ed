// What goes wrong with a folder on disk, by name: its disk is full, it is gone, it may no longer be written to, a name
// is taken.

import { LorikeetError } from '../base/errors';

const KEPT = 'what has been written to disk is kept.';

/** A name in the folder that something else has; nothing of the user's is overwritten. */
export function takenError(message: string): LorikeetError {
  return new LorikeetError(
    'folder.taken',
    message,
    'Nothing of it was touched. Move it elsewhere or rename it, then go on; or choose another folder.',
  );
}

/**
 * Turns what the browser reports of a folder into a named error.
 * @param what the operation, e.g. `writing model.safetensors` @param folder its name
 */
export function folderError(cause: unknown, what: string, folder: string): LorikeetError {
  if (cause instanceof LorikeetError) return cause;
  const name = cause instanceof Error ? cause.name : '';
  const detail = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  const failed = (code: string, message: string, hint: string): LorikeetError =>
    new LorikeetError(code, `${what}: ${message} (${detail}).`, hint);
  switch (name) {
    case 'QuotaExceededError':
      return failed(
        'folder.full',
        `the disk of the folder “${folder}” has no more room`,
        `Free disk space, then go on: ${KEPT} While a file is written it needs its size twice.`,
      );
    case 'NotAllowedError':
    case 'SecurityError':
      return failed(
        'folder.permission',
        `the browser does not let this page use the folder “${folder}” any more`,
        `Press “Go on” and allow it again: ${KEPT}`,
      );
    case 'NotFoundError':
      return failed(
        'folder.gone',
        `the folder “${folder}”, or a file in it, is not where it was`,
        'Bring it back under its old name, then go on; or choose the folder where it is now.',
      );
    case 'TypeMismatchError':
      return takenError(`${what}: the folder “${folder}” has something of another kind under that name (${detail}).`);
    case 'NoModificationAllowedError':
      return failed(
        'folder.busy',
        `another tab or program has a file of the folder “${folder}” open`,
        `Close it there, then go on: ${KEPT}`,
      );
    default:
      return failed('folder.failed', `the folder “${folder}” could not be used`, `Try again: ${KEPT}`);
  }
}

/** Gives failures of `work` their names. */
export function inFolder<T>(what: string, folder: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw folderError(error, what, folder);
  });
}
