// Messages of the numeric check as lines of text.

import type { VerifyMessage } from './messages';
import type { CheckResult } from '../reference/types';

/** `worst 1.2e-6 at [3, 17] (limit 3.0e-5)`, as far as the result has these. */
function figures({ worst, limit, at, detail }: CheckResult): string {
  const parts: string[] = [];
  if (worst !== undefined && limit !== undefined && limit > 0) {
    parts.push(
      `worst ${worst.toExponential(1)}${at === undefined || worst === 0 ? '' : ` at ${at}`} (limit ${limit.toExponential(1)})`,
    );
  } else if (worst !== undefined && limit === 0) {
    parts.push(worst === 0 ? 'equal' : `differs by ${worst}`);
  }
  if (detail !== undefined) parts.push(detail);
  return parts.join('; ');
}

/** One line for a message. */
export function formatMessage(message: VerifyMessage): string {
  switch (message.type) {
    case 'check': {
      const { name, pass } = message.result;
      const label = name.startsWith(`${message.case} `) ? name : `${message.case}  ${name}`;
      return `${pass ? 'ok  ' : 'FAIL'}  ${label}  ${figures(message.result)}`.trimEnd();
    }
    case 'uncovered':
      if (message.name.startsWith(`${message.case} `)) return `not covered: ${message.name}`;
      return `not covered: ${message.case}${message.name === '' ? '' : `  ${message.name}`}`;
    case 'done':
      return `${message.passed} passed, ${message.failed} failed`;
    case 'error':
      return `error: ${message.error.message} (${message.error.code})`;
    default:
      return message satisfies never;
  }
}
