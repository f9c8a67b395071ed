// A failure in the place where it was caused: what is wrong, and what to do.

import type { ErrorRecord } from '../../base/errors';

/** Nothing while there is no problem. */
export function ProblemText({ problem }: { problem: ErrorRecord | null }): React.JSX.Element | null {
  if (!problem) return null;
  return (
    <p className="badText problemText" role="alert" data-code={problem.code}>
      {problem.message}
      {problem.hint && <span className="soft"> {problem.hint}</span>}
    </p>
  );
}
