// Before, after SFT, after GRPO side by side: form, total reward, and one validation row's answers.

import type { Evaluation, EvaluationSample, RunSummary } from '../../protocol/messages';
import { fixed, plural, points, signed } from '../format';
import { CompletionText } from '../parts/CompletionText';
import { Thumb } from '../parts/Thumb';
import type { RunView } from '../store/runView';
import { evaluationAt } from '../store/series';

export interface Station {
  title: string;
  result: Evaluation;
  samples: EvaluationSample[];
}

/** The evaluations that the run has, in order, with their samples. */
export function stationsOf(view: RunView, summary: RunSummary): Station[] {
  const all = [
    { title: 'Before', when: 'before', result: summary.before },
    { title: 'After SFT', when: 'after_sft', result: summary.afterSft },
    { title: 'After GRPO', when: 'after_grpo', result: summary.afterGrpo },
  ] as const;
  return all.flatMap(({ title, when, result }) => {
    const samples = evaluationAt(view, when)?.samples ?? [];
    return result ? [{ title, result, samples }] : [];
  });
}

/** A row that says something: out of form before, right in the end; rather one whose answer was known before. */
function exampleRow(stations: readonly Station[]): EvaluationSample | null {
  const last = stations[stations.length - 1]?.samples ?? [];
  const first = stations[0]?.samples ?? [];
  const same = (a: EvaluationSample, b: EvaluationSample): boolean => a.image === b.image && a.question === b.question;
  const telling = first.filter((sample) => !sample.inForm && last.some((end) => same(end, sample) && end.right));
  const known = telling.find(({ text, answer }) => text.toLowerCase().includes(answer.toLowerCase()));
  return known ?? telling[0] ?? last[0] ?? first[0] ?? null;
}

export interface ResultStationsProps {
  stations: Station[];
  rewardMax: number;
  /** Sampled completions per row, as the recipe says. */
  samples: number;
}

/** The row of result figures under the stepper. */
export function ResultStations({ stations, rewardMax, samples }: ResultStationsProps): React.JSX.Element {
  const row = exampleRow(stations);
  const rows = stations[0]?.result.rows ?? 0;
  const sampled = stations[0]?.result.sampled !== null;
  return (
    <div className="resultStations">
      {row && (
        <div className="resultExample">
          <Thumb hash={row.image} alt="" size={112} />
          <h2 className="label">{row.question}</h2>
          <p className="note">
            Greedy answers. The figures are over {rows} rows
            {sampled ? `, ${plural(samples, 'sample')} each` : ', greedy'}.
          </p>
        </div>
      )}
      {stations.map((station, i) => (
        <ResultStation key={station.title} station={station} before={stations[i - 1]} row={row} rewardMax={rewardMax} />
      ))}
    </div>
  );
}

interface StationProps {
  station: Station;
  before: Station | undefined;
  row: EvaluationSample | null;
  rewardMax: number;
}

function ResultStation({ station, before, row, rewardMax }: StationProps): React.JSX.Element {
  const scores = station.result.sampled ?? station.result.greedy;
  const earlier = before ? (before.result.sampled ?? before.result.greedy) : null;
  const sample = station.samples.find((own) => own.image === row?.image && own.question === row?.question);
  const form = earlier ? scores.formatCompliance - earlier.formatCompliance : null;
  const reward = earlier ? scores.totalReward - earlier.totalReward : null;
  return (
    <div className="resultStation">
      <h2 className="heading">{station.title}</h2>
      <div className="resultFigures num">
        <p>
          <strong className="rise">
            {Math.round(scores.formatCompliance * 100)}
            <small>%</small>
          </strong>
          {form !== null && <span className={form < 0 ? 'fall label' : 'rise label'}> {points(form)}</span>}
          <span className="note">in form</span>
        </p>
        <p>
          <strong className="warmText">{fixed(scores.totalReward)}</strong>
          {reward !== null && <span className={reward < 0 ? 'fall label' : 'warmText label'}> {signed(reward)}</span>}
          <span className="note">total reward, of {rewardMax}</span>
        </p>
      </div>
      {sample && <CompletionText text={sample.text} />}
    </div>
  );
}
