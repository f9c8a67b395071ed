// What changed: every figure before and after, losses as plainly as gains.

import { useState } from 'react';
import type { Scores } from '../../protocol/messages';
import { fixed, percent, points, signed } from '../format';
import { Segmented } from '../parts/Segmented';
import { useDemoFacts, type DemoFacts } from '../setup/demoFacts';
import type { Station } from './ResultStations';

type Mode = 'sampled' | 'greedy';

interface Line {
  key: keyof Scores;
  /** The figure's name in expected.json. */
  expected: string;
  name: string;
  share: boolean;
  ink: 'accent' | 'reward';
}

const LINES: Line[] = [
  { key: 'formatCompliance', expected: 'format_compliance', name: 'Format compliance', share: true, ink: 'accent' },
  { key: 'totalReward', expected: 'total_reward', name: 'Total reward', share: false, ink: 'reward' },
  { key: 'semanticReward', expected: 'semantic_reward', name: 'Semantic reward', share: false, ink: 'reward' },
  { key: 'formatReward', expected: 'format_reward', name: 'Format reward', share: false, ink: 'reward' },
  { key: 'accuracy', expected: 'accuracy', name: 'Exact answer in the tag', share: true, ink: 'accent' },
  { key: 'accuracyAnyStyle', expected: 'accuracy_any_style', name: 'Right in any style', share: true, ink: 'accent' },
  { key: 'yesNoAccuracy', expected: 'yes_no_accuracy', name: 'Right on yes/no', share: true, ink: 'accent' },
];

export interface ChangeTableProps {
  stations: Station[];
  rewardMax: number;
  /** The run was the demo's: PyTorch's figures are comparable. */
  isDemo: boolean;
}

/** The table card. */
export function ChangeTable({ stations, rewardMax, isDemo }: ChangeTableProps): React.JSX.Element {
  const sampledKnown = stations.every((station) => station.result.sampled !== null);
  const [mode, setMode] = useState<Mode>(sampledKnown ? 'sampled' : 'greedy');
  const facts = useDemoFacts();
  const scores = stations.map(({ result }) => (mode === 'sampled' ? (result.sampled ?? result.greedy) : result.greedy));
  const lines = LINES.filter(({ key }) => scores.some((score) => score[key] !== null));
  return (
    <section className="card changes" aria-label="What changed">
      <div className="rowBetween">
        <h2 className="heading">What changed</h2>
        {sampledKnown && (
          <Segmented<Mode>
            small
            label="Kind of answers"
            options={[
              { value: 'sampled', label: 'Sampled' },
              { value: 'greedy', label: 'Greedy' },
            ]}
            value={mode}
            onChange={setMode}
          />
        )}
      </div>
      <table className="num">
        <thead>
          <tr>
            <th />
            {stations.map(({ title }) => (
              <th key={title}>{title}</th>
            ))}
            <th>Change</th>
            <th className="wide trackHead">
              {isDemo && facts ? `grey: expected, ${facts.seeds.length} runs in PyTorch, ± 1 sd` : ''}
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <ChangeRow
              key={line.key}
              line={line}
              values={scores.map((score) => score[line.key])}
              most={line.key === 'totalReward' ? rewardMax : 1}
              expected={isDemo && facts ? expectedOf(facts, mode, line.expected) : []}
            />
          ))}
          <ChangeRow
            line={{ key: 'totalReward', expected: '', name: 'Validation loss', share: false, ink: 'accent' }}
            values={stations.map(({ result }) => result.evalLoss)}
            most={null}
            expected={[]}
            lowerIsBetter
          />
        </tbody>
      </table>
      <p className="soft changeWords">{inWords(lines, scores, lossChange(stations))}</p>
    </section>
  );
}

type Figure = { mean: number; sd: number };

function expectedOf(facts: DemoFacts, mode: Mode, name: string): Figure[] {
  const { before, after_sft: sft, after_grpo: grpo } = facts.table;
  return [before, sft, grpo].flatMap((place) => {
    const figure = (place[mode] as Record<string, Figure | undefined>)[name];
    return figure ? [figure] : [];
  });
}

interface RowProps {
  line: Line;
  values: (number | null)[];
  /** Upper end of the track; null: no track. */
  most: number | null;
  expected: Figure[];
  lowerIsBetter?: boolean;
}

function ChangeRow({ line, values, most, expected, lowerIsBetter = false }: RowProps): React.JSX.Element {
  const format = (value: number | null): string =>
    value === null ? '–' : line.share ? percent(value) : fixed(value, lowerIsBetter ? 3 : 2);
  const [first, last] = [values[0] ?? null, values[values.length - 1] ?? null];
  const change = first === null || last === null ? null : last - first;
  const worse = change !== null && (lowerIsBetter ? change > 0.0005 : change < -0.0005);
  const text = change === null ? '–' : line.share ? `${points(change)} points` : signed(change, lowerIsBetter ? 3 : 2);
  return (
    <tr>
      <th scope="row">{line.name}</th>
      {values.map((value, i) => (
        <td key={i} className={i === values.length - 1 ? 'label' : undefined}>
          {format(value)}
        </td>
      ))}
      <td className={worse ? 'fall label' : 'label'}>{text}</td>
      <td className="wide">
        {most !== null && <Track values={values} most={most} expected={expected} ink={worse ? 'negative' : line.ink} />}
      </td>
    </tr>
  );
}

interface TrackProps {
  values: (number | null)[];
  most: number;
  expected: Figure[];
  ink: string;
}

/** Where the figures lie between zero and the most: hollow before, filled at the end. */
function Track({ values, most, expected, ink }: TrackProps): React.JSX.Element {
  const known = values.filter((value) => value !== null);
  const x = (value: number): number => 6 + 240 * Math.min(1, Math.max(0, value / most));
  const [first, last] = [known[0], known[known.length - 1]];
  return (
    <svg className={`track ${ink}`} viewBox="0 0 252 16" aria-hidden="true">
      <line className="gridLine" x1="6" x2="246" y1="8" y2="8" />
      {expected.map(({ mean, sd }, i) => (
        <rect key={i} x={x(mean - sd)} width={Math.max(3, x(mean + sd) - x(mean - sd))} y="2" height="12" rx="2" />
      ))}
      {first !== undefined && last !== undefined && (
        <>
          <line className="span" x1={x(first)} x2={x(last)} y1="8" y2="8" />
          {known.slice(1, -1).map((value, i) => (
            <circle key={i} className="filled" cx={x(value)} cy="8" r="2.500" />
          ))}
          <circle className="hollow" cx={x(first)} cy="8" r="4" />
          <circle className="filled" cx={x(last)} cy="8" r="4.500" />
        </>
      )}
    </svg>
  );
}

const joined = new Intl.ListFormat('en');

/** Validation loss of the last evaluation less that of the first; 0 when one is unknown. */
function lossChange(stations: readonly Station[]): number {
  const [first, last] = [stations[0]?.result.evalLoss, stations[stations.length - 1]?.result.evalLoss];
  return (last ?? NaN) - (first ?? NaN) || 0;
}

/** The outcome in a sentence: what rose, what fell. */
function inWords(lines: readonly Line[], scores: readonly Scores[], loss: number): string {
  const [first, last] = [scores[0], scores[scores.length - 1]];
  if (!first || !last || scores.length < 2) return 'One evaluation only: nothing to compare yet.';
  const moved = (sign: 1 | -1): string[] =>
    lines
      .filter(({ key }) => sign * ((last[key] ?? 0) - (first[key] ?? 0)) > 0.005)
      .map(({ name }) => name.toLowerCase());
  const [rose, fell] = [moved(1), moved(-1)];
  if (Math.abs(loss) > 0.005) (loss > 0 ? rose : fell).push('validation loss');
  const sentence = (names: string[], verb: string): string =>
    names.length === 0 ? '' : `${joined.format(names).replace(/^./, (letter) => letter.toUpperCase())} ${verb}.`;
  return [sentence(rose, 'rose'), sentence(fell, 'fell')].filter(Boolean).join(' ') || 'Nothing changed noticeably.';
}
