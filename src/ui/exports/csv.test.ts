// @vitest-environment node
import { expect, it } from 'vitest';
import { csvColumns, csvHead, csvLines } from './csv';

it('writes CSV with quoting, all columns and empty cells', () => {
  const rows = [
    { step: 1, loss: 0.5 },
    { step: 2, note: 'a "b", c\nd', loss: NaN },
  ];
  const columns = csvColumns(rows);
  expect(csvHead(columns) + csvLines(rows, columns)).toBe('step,loss,note\n1,0.5,\n2,,"a ""b"", c\nd"\n');
});
