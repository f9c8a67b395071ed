// What to expect of the demo: the mean of PyTorch's runs of the same recipe, as shipped in expected.json.

import { fixed, percent } from '../format';
import { smooth } from '../store/series';
import { useDataset } from '../store/dataset';
import { useSettings } from '../store/settings';
import { useDemoFacts } from './demoFacts';
import { presetOf } from '../recipe/presets';

const WIDTH = 400;
const HEIGHT = 96;
const LEFT = 30;
const [LOW, HIGH] = [0.5, 2];

/** Shown only while model, data and recipe are the demo's. */
export function ExpectPanel(): React.JSX.Element | null {
  const facts = useDemoFacts();
  const bundledData = useDataset(({ bundled, info, importing }) => (info ? bundled : importing?.bundled === true));
  const isDemo = useSettings((settings) => settings.modelKind === 'bundled' && presetOf(settings.recipe) === 'demo');
  if (!facts || !bundledData || !isDemo) return null;
  const { before, after_sft: sft, after_grpo: grpo } = facts.table;
  const columns = [before.sampled, sft.sampled, grpo.sampled];
  return (
    <section className="card expectPanel" aria-label="What to expect">
      <div className="rowBetween">
        <h2 className="label">Total reward</h2>
        <p className="note">expected, mean of {facts.seeds.length} runs in PyTorch</p>
      </div>
      <ExpectedCurve values={facts.curves_mean_over_seeds.grpo_reward} />
      <table className="expectTable num">
        <thead>
          <tr>
            <td />
            <th scope="col">Before</th>
            <th scope="col">SFT</th>
            <th scope="col">GRPO</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">Answers in form</th>
            {columns.map((row, i) => (
              <td key={i}>{percent(row.format_compliance.mean)}</td>
            ))}
          </tr>
          <tr>
            <th scope="row">Total reward, of 2</th>
            {columns.map((row, i) => (
              <td key={i}>{fixed(row.total_reward.mean)}</td>
            ))}
          </tr>
          <tr>
            <th scope="row">Right in any style</th>
            {columns.map((row, i) => (
              <td key={i}>{percent(row.accuracy_any_style.mean)}</td>
            ))}
          </tr>
        </tbody>
      </table>
      <p className="note">Answers are sampled at temperature 1. Form is gained; some right answers are lost.</p>
    </section>
  );
}

function ExpectedCurve({ values }: { values: number[] }): React.JSX.Element {
  const x = (i: number): number => LEFT + ((WIDTH - LEFT) * i) / Math.max(1, values.length - 1);
  const y = (value: number): number => 8 + ((HEIGHT - 30) * (HIGH - value)) / (HIGH - LOW);
  const path = (line: (number | null)[]): string =>
    line.map((value, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(value ?? LOW).toFixed(1)}`).join('');
  return (
    <svg className="expectCurve" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Expected total reward">
      {[0.5, 1, 1.5, 2].map((tick) => (
        <g key={tick}>
          <line className="gridLine" x1={LEFT} x2={WIDTH} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 7} y={y(tick) + 4} textAnchor="end">
            {tick.toFixed(1)}
          </text>
        </g>
      ))}
      <path className="rawLine" d={path(values)} />
      <path className="expectedLine" d={path(smooth(values))} />
      <text x={LEFT} y={HEIGHT - 2}>
        GRPO step 1
      </text>
      <text x={WIDTH} y={HEIGHT - 2} textAnchor="end">
        {values.length}
      </text>
    </svg>
  );
}
