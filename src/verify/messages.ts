// What the worker of the numeric check tells its page, and the page the terminal.

import type { ErrorRecord } from '../base/errors';
import type { CheckResult, KernelVariant } from '../reference/types';

export type VerifyMessage =
  | { type: 'check'; case: string; result: CheckResult }
  /** A part of a case, or (name empty) a whole one, that this implementation does not cover. */
  | { type: 'uncovered'; case: string; name: string }
  | { type: 'done'; passed: number; failed: number }
  /** The check itself could not run; nothing follows. */
  | { type: 'error'; error: ErrorRecord };

export interface VerifyRequest {
  /** Absolute address of the folder. */
  folder: string;
  /** Only cases whose id contains this; empty: all. */
  only: string;
  /** Kernels; left out: those of the adapter's class. */
  variant?: KernelVariant;
}
