// The one error type that may cross a worker boundary. Callers branch on `code`, never on the text.

/** Plain form of a LorikeetError, safe for structured clone. */
export interface ErrorRecord {
  /** Stable, machine-readable, e.g. `jsonl.syntax`. */
  code: string;
  /** What is wrong and where (file, line, byte, tensor), what was expected, what was found. */
  message: string;
  /** What the user can do about it. */
  hint?: string;
}

/** An error with a stable code, a message that says what and where, and a hint that says what to do. */
export class LorikeetError extends Error {
  readonly code: string;
  readonly hint?: string;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.name = 'LorikeetError';
    this.code = code;
    this.hint = hint;
  }
}

/** Turns anything thrown into a record; unknown errors get the code `internal`. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof LorikeetError) {
    return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'internal', message };
}

/** Throws `code` with `message` unless `condition` holds. */
export function check(condition: unknown, code: string, message: string, hint?: string): asserts condition {
  if (!condition) throw new LorikeetError(code, message, hint);
}
