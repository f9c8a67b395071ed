// A few rows at a glance: picture, question, answer. Before there is data, faint ones from the demo.

import { useMemo } from 'react';
import type { DatasetRow } from '../../storage/datasets';
import { Thumb } from '../parts/Thumb';

const SHOWN = 8;

/** Up to eight rows with different pictures, spread over the data set. */
export function ExampleStrip({ rows }: { rows: readonly DatasetRow[] }): React.JSX.Element {
  const examples = useMemo(() => spread(rows), [rows]);
  return (
    <ul className="strip">
      {examples.map((row) => (
        <li key={row.image}>
          <Thumb hash={row.image} alt={row.imageName} />
          <p className="question">{row.question}</p>
          <p className="right">{row.answer}</p>
        </li>
      ))}
    </ul>
  );
}

function spread(rows: readonly DatasetRow[]): DatasetRow[] {
  const ordered = [...rows.filter((row) => row.split === 'val'), ...rows.filter((row) => row.split === 'train')];
  const seen = new Set<string>();
  const different = ordered.filter((row) => !seen.has(row.image) && seen.add(row.image));
  return different.slice(0, SHOWN);
}

const FAINT = ['val_002', 'val_006', 'val_010', 'val_014', 'val_018', 'val_022'];

/** What will be here, faintly, from the demo's pictures. */
export function FaintExamples(): React.JSX.Element {
  return (
    <div className="strip faint" aria-hidden="true">
      {FAINT.map((name) => (
        <span key={name} className="thumb">
          <img src={`demo/data/images/${name}.png`} alt="" />
        </span>
      ))}
      <p className="note">your pictures and questions will be here</p>
    </div>
  );
}
