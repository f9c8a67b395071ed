import { expect, test } from 'vitest';
import { named } from './names.mjs';

const DECODE = 'lib/decode_f32.wgsl';
const nt = (spec, storage) => ({
  file: 'matmul_nt_tile.wgsl',
  spec: { TILE: 64, ...spec },
  imports: { [DECODE]: `lib/decode_${storage}.wgsl`, 'lib/grid.wgsl': 'lib/grid.wgsl' },
  code: '',
});
const attention = (D4) => ({ file: 'attention.wgsl', spec: { D4, KEYS: 40 - D4 }, imports: {}, code: '' });
const namesOf = (pipelines) => named(pipelines).map(({ name }) => name);

test('a name begins with the file, and says storage and head size where there are any', () => {
  expect(namesOf([nt({}, 'nf4'), nt({}, 'f32'), attention(20), attention(32)])).toEqual([
    'attention-head128',
    'attention-head80',
    'matmul_nt_tile-f32',
    'matmul_nt_tile-nf4',
  ]);
});

test('of the rest of a specialisation only what tells two kernels apart is in their names', () => {
  const [off, on] = [false, true];
  const pipelines = [
    nt({ ADD: 0, BIAS: off }, 'bf16'),
    nt({ ADD: 2, BIAS: on }, 'bf16'),
    nt({ ADD: 0, BIAS: on }, 'bf16'),
  ];
  expect(namesOf([...pipelines, nt({ ADD: 0, BIAS: off }, 'f32')])).toEqual([
    'matmul_nt_tile-bf16-add0',
    'matmul_nt_tile-bf16-add0-bias',
    'matmul_nt_tile-bf16-add2-bias',
    'matmul_nt_tile-f32',
  ]);
});

test('kernels that differ in a library have its name', () => {
  const reduce = (library) => ({ file: 'rms_norm.wgsl', spec: {}, imports: { 'lib/reduce.wgsl': library }, code: '' });
  expect(namesOf([reduce('lib/reduce.wgsl'), reduce('lib/reduce_subgroup.wgsl')])).toEqual([
    'rms_norm-reduce',
    'rms_norm-reduce_subgroup',
  ]);
});
