import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readTable, tableText } from './table.mjs';

const ROWS = [
  {
    ...{ name: 'matmul_tn', family: 'navi31', vgprs: 72, spills: 0, scratch: 0, lds: 0, waves: 16 },
    ...{ instructions: 51, fma: 33.3, ldsPerFma: 0, loads: 3, fmasPerLoad: 10.7 },
  },
  {
    ...{ name: 'gather_rows', family: 'navi21', vgprs: 8, spills: 0, scratch: 0, lds: 0, waves: 16 },
    ...{ instructions: null, fma: null, ldsPerFma: null, loads: null, fmasPerLoad: null },
  },
];

test('a table is read as it was written, among other text', () => {
  expect(readTable(`# Title\n\ntext\n\n${tableText(ROWS)}\n\nmore\n`)).toEqual(ROWS);
});

test('all lines of a table are equally wide', () => {
  expect(
    new Set(
      tableText(ROWS)
        .split('\n')
        .map(({ length }) => length),
    ).size,
  ).toBe(1);
});

test('a row that was changed by hand into no figures is refused by its place', () => {
  expect(() => readTable(tableText(ROWS).replace(' 72 ', ' many '))).toThrow('row 1 of the table: VGPRs is "many".');
  expect(() => readTable(`${tableText(ROWS)}\n| a | b |`)).toThrow('row 3 of the table has 2 cells, not 12.');
});

test('the committed table has every kernel on both chips, and reads as it is written', () => {
  const text = readFileSync(new URL('table.md', import.meta.url), 'utf8');
  const rows = readTable(text);
  expect(text).toContain(`\n\n${tableText(rows)}\n`);
  const on = (chip) => rows.filter(({ family }) => family === chip).map(({ name }) => name);
  expect(on('navi31').length).toBeGreaterThan(0);
  expect(on('navi21')).toEqual(on('navi31'));
});
