// Collects the problems of one import, at most so many of a kind per file. Does not word them.

import type { ImportProblem } from '../base/dataset';

/** A file of 100,000 broken lines must not become a report of 100,000 lines. */
const MAX_OF_A_KIND = 50;

export interface ProblemList {
  add(problem: ImportProblem): void;
  /** In order of appearance; what went over the limit is counted at the end of its kind. */
  all(): ImportProblem[];
}

/** An empty list. */
export function createProblemList(): ProblemList {
  const kinds = new Map<string, { shown: ImportProblem[]; hidden: number }>();
  return {
    add: (problem) => {
      const key = JSON.stringify([problem.level, problem.code, problem.file]);
      const kind = kinds.get(key) ?? { shown: [], hidden: 0 };
      kinds.set(key, kind);
      if (kind.shown.length < MAX_OF_A_KIND) kind.shown.push(problem);
      else kind.hidden++;
    },
    all: () =>
      [...kinds.values()].flatMap(({ shown, hidden }) => {
        const [first] = shown;
        if (hidden === 0 || !first) return shown;
        const { level, code, file } = first;
        return [...shown, { level, code, file, message: `and ${hidden} more of this kind in this file` }];
      }),
  };
}
