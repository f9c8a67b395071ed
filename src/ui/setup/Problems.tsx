// What an import found wrong: file and line, message, and the way on.

import { useState } from 'react';
import type { ErrorRecord } from '../../base/errors';
import type { ImportProblem } from '../../protocol/messages';
import type { Mend } from '../../base/dataset';
import { mendData } from '../actions';
import { plural } from '../format';
import { dismissFailure, splitProblems, useDataset } from '../store/dataset';

const SHOWN = 6;

export interface ProblemsProps {
  problems: ImportProblem[];
  /** Set when nothing could be imported. */
  failure?: ErrorRecord;
  /** What is used once such a failure is dismissed; null for nothing. */
  instead?: string | null;
  /** Rows that remain usable. */
  usable?: number;
}

/** The list of problems, errors first, the first few at once. */
export function Problems({ problems, failure, instead, usable }: ProblemsProps): React.JSX.Element {
  const [all, setAll] = useState(false);
  const { errors, warnings } = splitProblems(problems);
  const ordered = [...errors, ...warnings];
  const shown = all ? ordered : ordered.slice(0, SHOWN);
  return (
    <div className="problems">
      {failure && (
        <div role="alert">
          <p className="label">{failure.message}</p>
          {failure.hint && <p className="soft">{failure.hint}</p>}
        </div>
      )}
      {shown.length > 0 && (
        <ul>
          {shown.map((problem, i) => (
            <li key={i}>
              <code>{problem.line ? `${problem.file}:${problem.line}` : problem.file}</code>
              <span>
                {problem.level === 'warning' && <span className="chip">note</span>} {problem.message}
                {problem.mend && <MendButton mend={problem.mend} />}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div className="rowBetween">
        <span className="buttons">
          {failure && (
            <button type="button" className="button" onClick={dismissFailure}>
              {instead ? `Use ${instead} instead` : 'Dismiss'}
            </button>
          )}
          {!failure && errors.length > 0 && (
            <button type="button" className="button" onClick={() => useDataset.setState({ accepted: true })}>
              {errors.length === 1 ? 'Leave it out' : `Leave all ${errors.length} out`}
            </button>
          )}
          {!failure && errors.length === 0 && (
            <button type="button" className="button compact" onClick={() => useDataset.setState({ accepted: true })}>
              Understood
            </button>
          )}
          {ordered.length > SHOWN && (
            <button type="button" className="button quiet" onClick={() => setAll((open) => !open)}>
              {all ? 'Show fewer' : `Show all ${ordered.length}`}
            </button>
          )}
        </span>
        {usable !== undefined && <span className="note">{plural(usable, 'row')} remain usable</span>}
      </div>
    </div>
  );
}

function MendButton({ mend }: { mend: Mend }): React.JSX.Element {
  return (
    <>
      {' '}
      <button type="button" className="button compact" onClick={() => mendData(mend)}>
        Set {mend.option} to {mend.value}
      </button>
    </>
  );
}
