// What the newest step took of the GPU, for whoever opens the page with ?debug: bytes by owner, submissions, seconds by part.

import { bytesText, count, fixed } from '../format';
import type { StepPoint, RunView } from '../store/runView';

/** Name and text of everything that the step's record says of the machine. */
function rowsOf({ metrics }: StepPoint): [name: string, text: string][] {
  return Object.entries(metrics).flatMap(([name, value]): [string, string][] => {
    if (name.startsWith('gpu_memory/'))
      return [[`${name.slice('gpu_memory/'.length)}, bytes at the peak`, bytesText(value)]];
    if (name.startsWith('gpu/')) return [[name.slice('gpu/'.length), count(value)]];
    if (name === 'step_time' || name.startsWith('profiling/')) return [[`${name}, seconds`, fixed(value)]];
    return [];
  });
}

/** The newest step's figures; nothing before the first. */
export function DebugPanel({ view }: { view: RunView }): React.JSX.Element | null {
  const point = view.points.at(-1);
  if (!point) return null;
  return (
    <section className="card debugCard">
      <h2 className="heading">
        GPU in {point.stage.toUpperCase()} step {point.step}
      </h2>
      <table className="num">
        <tbody>
          {rowsOf(point).map(([name, text]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
