// A run's steps and completions as text files. Pure.

import { toCsv } from './csv';
import { toJsonl } from './jsonl';
import { formatCompliance } from '../store/series';
import type { RunView } from '../store/runView';

/** One line per optimizer step: stage, step, and every metric under TRL's name. */
export function metricsCsv(view: RunView): string {
  return toCsv(
    view.points.map((point) => {
      const inForm = formatCompliance(view, point);
      return {
        stage: point.stage,
        step: point.step,
        ...point.metrics,
        ...(inForm === null ? {} : { format_compliance: inForm }),
      };
    }),
  );
}

/** One line per sampled completion of GRPO, in the order of steps, groups and samples. */
export function completionsJsonl(view: RunView): string {
  const steps = [...view.groups].sort(([a], [b]) => a - b);
  return toJsonl(
    steps.flatMap(([step, groups]) =>
      groups.flatMap(({ imageName, question, answer, completions }) =>
        completions.map(({ text, length, terminated, rewards, reward, advantage }) => ({
          step,
          image: imageName,
          question,
          answer,
          text,
          length,
          terminated,
          rewards,
          reward,
          advantage,
        })),
      ),
    ),
  );
}
