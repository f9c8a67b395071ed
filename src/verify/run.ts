// Walks the cases of a reference folder and hands each to the verifier of its kind. Knows no kind itself.

import { toErrorRecord } from '../base/errors';
import type { VerifyMessage } from './messages';
import type {
  CheckResult,
  KernelVariant,
  ReferenceCase,
  ReferenceFolder,
  VerifyContext,
  Verifier,
} from '../reference/types';

export interface VerificationOptions {
  folder: ReferenceFolder;
  verifiers: ReadonlyMap<string, Verifier>;
  /** The device of this run, the same one at every call. */
  device: () => Promise<GPUDevice>;
  /** Kernels; left out: those of the device's class. */
  variant?: KernelVariant;
  /** Only cases whose id contains this; empty: all. */
  only: string;
  emit: (message: VerifyMessage) => void;
}

interface Tally {
  passed: number;
  failed: number;
  uncovered: number;
}

function contextOf(options: VerificationOptions, entry: ReferenceCase, tally: Tally): VerifyContext {
  return {
    folder: options.folder,
    device: options.device,
    variant: options.variant,
    report(result: CheckResult): void {
      if (result.pass) tally.passed += 1;
      else tally.failed += 1;
      options.emit({ type: 'check', case: entry.id, result });
    },
    uncovered(name: string): void {
      tally.uncovered += 1;
      options.emit({ type: 'uncovered', case: entry.id, name });
    },
  };
}

/** Runs one case; whatever it throws is a failed check, so that the others still run. */
async function runCase(options: VerificationOptions, entry: ReferenceCase, tally: Tally): Promise<void> {
  const context = contextOf(options, entry, tally);
  const verify = options.verifiers.get(entry.kind);
  if (verify === undefined) {
    context.uncovered('');
    return;
  }
  const before = tally.passed + tally.failed + tally.uncovered;
  try {
    await verify(context, entry);
  } catch (error) {
    const { code, message, hint } = toErrorRecord(error);
    context.report({ name: 'runs to its end', pass: false, detail: [`${code}: ${message}`, hint].join(' ').trim() });
  }
  if (tally.passed + tally.failed + tally.uncovered === before) {
    context.report({ name: 'has checks', pass: false, detail: `a ${entry.kind} case in which nothing was checked` });
  }
}

/**
 * Checks every case of the folder, in its order, one after the other.
 * @returns the number of checks that passed and failed; also sent as the last message
 */
export async function runVerification(options: VerificationOptions): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, uncovered: 0 };
  for (const entry of options.folder.cases) {
    if (entry.id.includes(options.only)) await runCase(options, entry, tally);
  }
  options.emit({ type: 'done', passed: tally.passed, failed: tally.failed });
  return tally;
}
