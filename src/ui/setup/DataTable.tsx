// All rows of the dataset in a virtual table: only what is in sight exists as elements.

import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import type { DatasetRow } from '../../storage/datasets';
import { count } from '../format';
import { Segmented } from '../parts/Segmented';
import { Thumb } from '../parts/Thumb';

type Filter = 'all' | DatasetRow['split'];

const ROW_HEIGHT = 56;

/** The table with its filter; a row that does not fit its cell is shortened on show, never in the data. */
export function DataTable({ rows }: { rows: readonly DatasetRow[] }): React.JSX.Element {
  const [filter, setFilter] = useState<Filter>('all');
  const shown = useMemo(() => (filter === 'all' ? rows : rows.filter((row) => row.split === filter)), [rows, filter]);
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
  });
  const of = (split: DatasetRow['split']): string => count(rows.filter((row) => row.split === split).length);
  return (
    <div className="dataTable">
      <Segmented<Filter>
        small
        label="Rows on show"
        options={[
          { value: 'all', label: `All ${count(rows.length)}` },
          { value: 'train', label: `Train ${of('train')}` },
          { value: 'val', label: `Validation ${of('val')}` },
        ]}
        value={filter}
        onChange={setFilter}
      />
      <div className="tableScroll" ref={box} tabIndex={0} role="table" aria-label="Rows" aria-rowcount={shown.length}>
        <div className="tableRow tableHead" role="row">
          {['Picture', 'Question', 'Thought', 'Answer', 'Tokens', 'Source'].map((name) => (
            <span key={name} role="columnheader">
              {name === 'Picture' ? <span className="visuallyHidden">{name}</span> : name}
            </span>
          ))}
        </div>
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="rowgroup">
          {virtual.getVirtualItems().map((item) => (
            <TableRow key={item.key} row={shown[item.index]!} index={item.index} top={item.start} />
          ))}
        </div>
      </div>
    </div>
  );
}

function TableRow({ row, index, top }: { row: DatasetRow; index: number; top: number }): React.JSX.Element {
  return (
    <div className="tableRow" role="row" aria-rowindex={index + 1} style={{ transform: `translateY(${top}px)` }}>
      <span role="cell">
        <Thumb hash={row.image} alt={row.imageName} size={40} />
      </span>
      <span role="cell" title={row.question}>
        {row.question}
      </span>
      <span role="cell" className="soft" title={row.thought}>
        {row.thought}
      </span>
      <span role="cell" className="right" title={row.answer}>
        {row.answer}
      </span>
      <span role="cell" className="num soft">
        {row.promptTokens === undefined ? '–' : `${row.promptTokens} + ${row.targetTokens ?? 0}`}
      </span>
      <span role="cell" className="mono soft" title={`${row.file}:${row.line}`}>
        {row.split} {row.line}
      </span>
    </div>
  );
}
