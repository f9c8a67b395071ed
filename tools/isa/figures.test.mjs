import { expect, test } from 'vitest';
import { compared, figuresOf } from './figures.mjs';

/** A row as isa.py writes it. */
const ROW = {
  ...{
    name: 'matmul_nt_tile-f32',
    family: 'navi31',
    vgprs: 120,
    spilledVgprs: 0,
    scratchBytes: 0,
    ldsBytes: 8704,
    waves: 8,
  },
  hotLoop: { instructions: 10, fma: 1, fmaOperations: 1, lds: 1, memory: 0, scratch: 0 },
  tileLoop: { instructions: 1200, fma: 1000, fmaOperations: 1024, lds: 72, memory: 8, scratch: 0 },
};

test('figures are those of the loop that loads the tile, else of the innermost, and none without a loop', () => {
  const { hotLoop, tileLoop } = ROW;
  expect(figuresOf(ROW)).toMatchObject({ instructions: 1200, fma: 83.3, ldsPerFma: 0.07, loads: 8, fmasPerLoad: 128 });
  expect(figuresOf({ ...ROW, tileLoop: null })).toMatchObject({
    instructions: hotLoop.instructions,
    fma: 10,
    loads: 0,
  });
  expect(figuresOf({ ...ROW, tileLoop: null, hotLoop: null })).toMatchObject({
    vgprs: 120,
    fma: null,
    ldsPerFma: null,
  });
  const idle = { ...tileLoop, fma: 0, fmaOperations: 0 };
  expect(figuresOf({ ...ROW, tileLoop: idle })).toMatchObject({ fma: 0, ldsPerFma: null, fmasPerLoad: 0 });
});

const TABLE = [figuresOf(ROW), figuresOf({ ...ROW, family: 'navi21' })];

/** What the comparison says of the first row, changed. */
function after(change, table = TABLE) {
  return compared(table, [{ ...TABLE[0], ...change }, TABLE[1]]).regressions;
}

test('the same figures, and better ones, are no regression', () => {
  expect(after({})).toEqual([]);
  expect(after({ vgprs: 96, waves: 12, fma: 90, ldsPerFma: 0.05, fmasPerLoad: 200, loads: 0 })).toEqual([]);
  expect(after({ fma: 81, waves: 7, ldsPerFma: 0.08, fmasPerLoad: 110 })).toEqual([]);
});

test.each([
  [{ spills: 3 }, '3 spilled registers, was 0'],
  [{ scratch: 64 }, '64 bytes of scratch, was 0'],
  [{ waves: 6 }, '6 waves, was 8'],
  [{ fma: 75 }, '75 % FMA, was 83.3'],
  [{ ldsPerFma: 0.15 }, '0.15 workgroup-memory accesses per FMA, was 0.07'],
  [{ fmasPerLoad: 60 }, '60 FMAs per load, was 128'],
  [{ fma: null, ldsPerFma: null, fmasPerLoad: null }, 'no % FMA, was 83.3'],
])('a planted regression is told by kernel, chip and figure: %o', (change, words) => {
  expect(after(change)).toEqual([`matmul_nt_tile-f32, navi31: ${words}`]);
});

test('fewer waves are no regression where they bought arithmetic, unless they are too few', () => {
  const rolled = TABLE.map((row) => ({ ...row, waves: 24, fma: 70 }));
  expect(after({ waves: 8, fma: 84 }, rolled)).toEqual([]);
  expect(after({ waves: 8, fma: 71 }, rolled)).toEqual(['matmul_nt_tile-f32, navi31: 8 waves, was 24']);
  expect(after({ waves: 3, fma: 84 }, rolled)).toEqual(['matmul_nt_tile-f32, navi31: 3 waves, was 24']);
});

test('a kernel that spilled before may not spill more', () => {
  const spilling = TABLE.map((row) => ({ ...row, spills: 500, scratch: 2000 }));
  expect(after({ spills: 500, scratch: 2000 }, spilling)).toEqual([]);
  expect(after({ spills: 501, scratch: 2000 }, spilling)).toHaveLength(1);
});

test('a loop that does no arithmetic may change its mix', () => {
  const idle = TABLE.map((row) => ({ ...row, fma: 12 }));
  expect(after({ fma: 5, ldsPerFma: 3, fmasPerLoad: 1 }, idle)).toEqual([]);
});

test('a kernel that the table does not have must not spill, and is told, as is one that is gone', () => {
  const fresh = { ...TABLE[0], name: 'attention-head128' };
  expect(compared(TABLE, [fresh, TABLE[1]])).toEqual({
    regressions: [],
    added: ['attention-head128, navi31'],
    gone: ['matmul_nt_tile-f32, navi31'],
  });
  expect(compared(TABLE, [{ ...fresh, spills: 24 }]).regressions).toEqual([
    'attention-head128, navi31: 24 spilled registers',
  ]);
});
