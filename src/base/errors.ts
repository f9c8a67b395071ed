// The one error type that may cross a worker boundary. Callers branch on `code`, never on the text.

/** What an error is about, for those who do more than show it. */
export interface ErrorDetail {
  /** Name of the user's reward that failed. */
  reward?: string;
}

/** Plain form of a LorikeetError, safe for structured clone. */
export interface ErrorRecord {
  /** Stable, machine-readable, e.g. `jsonl.syntax`. */
  code: string;
  /** What is wrong and where (file, line, byte, tensor), what was expected, what was found. */
  message: string;
  /** What the user can do about it. */
  hint?: string;
  detail?: ErrorDetail;
}

/** An error with a stable code, a message that says what and where, and a hint that says what to do. */
export class LorikeetError extends Error {
  readonly code: string;
  readonly hint?: string;
  readonly detail?: ErrorDetail;

  constructor(code: string, message: string, hint?: string, detail?: ErrorDetail) {
    super(message);
    this.name = 'LorikeetError';
    this.code = code;
    this.hint = hint;
    this.detail = detail;
  }
}

/** Turns anything thrown into a record; unknown errors get the code `internal`. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof LorikeetError) {
    const { code, message, hint, detail } = error;
    return { code, message, ...(hint ? { hint } : {}), ...(detail ? { detail } : {}) };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'internal', message };
}

/** The error that a record was made of, on the other side of a worker boundary. */
export function fromErrorRecord({ code, message, hint, detail }: ErrorRecord): LorikeetError {
  return new LorikeetError(code, message, hint, detail);
}

/** Throws `code` with `message` unless `condition` holds. */
export function check(condition: unknown, code: string, message: string, hint?: string): asserts condition {
  if (!condition) throw new LorikeetError(code, message, hint);
}
