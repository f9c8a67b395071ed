// @vitest-environment node
import { expect, it } from 'vitest';
import { takeTogether, workOf } from './together';

const items = [3, 4, 9, 2, 2].map((length) => ({ ids: new Array<number>(length).fill(0) }));
const taken = (start: number, most: number) => takeTogether(items, start, most).map(({ ids }) => ids.length);

it('takes what has room together, in order', () => {
  expect([taken(0, 7), taken(0, 6), taken(3, 100)]).toEqual([[3, 4], [3], [2, 2]]);
});

it('takes one item that is larger than the room alone, and none behind the last', () => {
  expect([taken(2, 5), taken(5, 5)]).toEqual([[9], []]);
});

it('counts all tokens and the longest piece', () => {
  expect([workOf([3, 9, 4]), workOf([])]).toEqual([
    { whole: 16, piece: 9 },
    { whole: 0, piece: 0 },
  ]);
});
